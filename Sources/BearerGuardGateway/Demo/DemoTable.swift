// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// The demo's answers as a table for people.
struct DemoTable {
    private var number = 0

    var head: String { Self.row(" #", "request", "what is sent", "status", "why") }

    /// The row of one answer, its challenges below it.
    mutating func rows(
        _ step: DemoStep,
        status: Int,
        _ decision: DecisionEvent?,
        _ challenges: [String],
        isRight: Bool
    ) -> [String] {
        number += 1
        let why =
            switch decision {
            case nil: "nobody asks for a token here"
            case let decision?: decision.detail.map { "\(decision.outcome): \($0)" } ?? decision.outcome
            }
        let mark = isRight ? "" : "   <- WRONG, expected \(step.status) \(step.rejection?.text ?? "authorized")"
        let digits = number < 10 ? " \(number)" : "\(number)"
        let row = Self.row(digits, "\(step.method) \(step.path)", step.title, String(status), why + mark)
        return [row] + challenges.map { "      WWW-Authenticate: \($0)" }
    }

    private static func row(_ number: String, _ request: String, _ title: String, _ status: String, _ why: String)
        -> String
    {
        [pad(number, 3), pad(request, 13), pad(title, 28), pad(status, 7), why].joined(separator: " ")
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
#endif
