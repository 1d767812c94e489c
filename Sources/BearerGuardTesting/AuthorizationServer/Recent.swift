// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// Values by names that are never used again, of which the oldest give way: a server runs for days in a developer's
/// terminal.
package struct Recent<Value: Sendable>: Sendable {
    private var values: [String: Value] = [:]
    private var order: [String] = []
    private let limit: Int

    /// Nothing yet.
    ///
    /// - Parameter limit: how many are kept in any case; there are never twice as many.
    package init(limit: Int = 10_000) { self.limit = limit }

    package subscript(name: String) -> Value? {
        get { values[name] }
        set {
            if values[name] == nil, newValue != nil { order.append(name) }
            values[name] = newValue
            guard order.count >= 2 * limit else { return }
            for name in order.prefix(limit) { values[name] = nil }
            order.removeFirst(limit)
        }
    }

    /// All values, in no order.
    var all: some Sequence<(key: String, value: Value)> { values }
}

extension [String] {
    /// Each once, in their order.
    var withoutRepetitions: [String] {
        var seen: [String] = []
        for text in self where !seen.containsExactly(text) { seen.append(text) }
        return seen
    }
}
#endif
