// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Synchronization

/// One of the eight messages of the authorization code flow, as it happened.
struct FlowMessage: Sendable {
    /// 1 to 8; nil for what happens beside them, such as a refresh.
    let number: Int?
    let title: String
    /// The request or the answer, a line each, secrets shortened.
    let lines: [String]
}

/// The messages of the demo in their order, told to whoever watches.
final class FlowLog: Sendable {
    private static let maximumCount = 60

    private let state = Mutex<[FlowMessage]>([])
    private let onMessage: @Sendable (FlowMessage) -> Void

    init(onMessage: @escaping @Sendable (FlowMessage) -> Void) { self.onMessage = onMessage }

    /// Those since the last sign-in began.
    var messages: [FlowMessage] { state.withLock { $0 } }

    func note(_ number: Int?, _ title: String, _ lines: [String]) {
        let message = FlowMessage(number: number, title: title, lines: lines)
        state.withLock { messages in
            // A flow begins: the one before is history.
            if number == 1 { messages.removeAll() }
            if messages.count >= Self.maximumCount { messages.removeFirst() }
            messages.append(message)
        }
        onMessage(message)
    }

    /// Lines for parameters: what is long or secret is shortened, for it is nobody's business and fits no phone.
    static func lines(_ parameters: [(name: String, value: String)]) -> [String] {
        parameters.map { "  \($0.name): \(shown($0.value, as: $0.name))" }
    }

    static func shown(_ value: String, as name: String) -> String {
        if ["password", "client_secret"].contains(name) { return "(secret)" }
        let isSecret = ["code", "code_verifier", "access_token", "refresh_token", "id_token", "id_token_hint"]
            .contains(name)
        guard isSecret || value.count > 80 else { return value }
        return "(\(value.count) characters)"
    }
}
#endif
