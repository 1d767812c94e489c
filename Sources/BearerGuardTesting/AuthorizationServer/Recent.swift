// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
/// Values by name, of which the oldest give way.
package struct Recent<Value: Sendable>: Sendable {
    private var values: [String: Value] = [:]
    private var order: [String] = []
    private let limit: Int

    package init(limit: Int) { self.limit = limit }

    package subscript(name: String) -> Value? {
        get { values[name] }
        set {
            if values[name] == nil, newValue != nil { order.append(name) }
            values[name] = newValue
            guard order.count > 2 * limit else { return }
            for name in order.prefix(limit) { values[name] = nil }
            order.removeFirst(limit)
        }
    }

    /// All values, in no order.
    var all: some Sequence<(key: String, value: Value)> { values }
}
#endif
