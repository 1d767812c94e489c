// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// What an audit found, in numbers.
///
/// Its size depends on the policy alone, not on the capture.
public struct AuditSummary: Sendable {
    /// What a line counts as: of closed sets alone.
    struct Tally: Sendable, Hashable {
        let outcome: Conclusion.Outcome
        /// The first reason.
        let reason: RejectionCode?
        let issuer: String
        let key: String
        let algorithm: String
        let isUnreadable: Bool
    }

    /// Whether the audit was stopped before the end of its input.
    public internal(set) var wasInterrupted = false
    private var lines: [Tally: Int] = [:]

    /// Tokens that passed every check.
    public var valid: Int { count { $0.outcome == .valid } }
    /// Tokens with at least one finding.
    public var invalid: Int { count { $0.outcome == .invalid } }
    /// Lines that could not be judged.
    public var undecided: Int { count { $0.outcome == .undecided } }
    /// Lines in which no token, or no time, was found.
    public var unreadable: Int { count { $0.isUnreadable } }
    /// Tokens whose issuer's keys were not at hand.
    public var withoutKeys: Int { count { $0.outcome == .undecided && $0.reason == .keysUnavailable } }
    /// All lines.
    public var total: Int { lines.values.reduce(0, +) }

    private func count(_ isCounted: (Tally) -> Bool) -> Int {
        lines.reduce(0) { isCounted($1.key) ? $0 + $1.value : $0 }
    }

    mutating func add(_ tally: Tally, lines count: Int) { lines[tally, default: 0] += count }

    mutating func add(_ other: AuditSummary) { lines.merge(other.lines, uniquingKeysWith: +) }

    /// One line for people.
    public var headline: String {
        "\(total) token\(total == 1 ? "" : "s"): \(valid) valid, \(invalid) invalid, \(undecided) undecided"
            + (wasInterrupted ? " (interrupted: the rest was not read)" : "")
    }

    /// The report for people: by reason, issuer, key and algorithm.
    public var report: String {
        var report = [headline]
        var reasons: [RejectionCode: Int] = [:]
        for (tally, count) in lines { if let reason = tally.reason { reasons[reason, default: 0] += count } }
        if !reasons.isEmpty {
            report += ["", "by reason (the first of each token)"]
            for (code, count) in reasons.sorted(by: { ($1.value, $0.key.text) < ($0.value, $1.key.text) }) {
                report.append("  \(Self.right(count)) \(code)")
                report.append("            \(code == .keysUnavailable ? Self.adviceOnKeys : code.advice)")
            }
        }
        for (title, name) in [("issuer", \Tally.issuer), ("key", \.key), ("algorithm", \.algorithm)]
        where !lines.isEmpty {
            report += ["", "by \(title)             valid      other"]
            var table: [String: (valid: Int, other: Int)] = [:]
            for (tally, count) in lines {
                let counted = tally.outcome == .valid ? (count, 0) : (0, count)
                let known = table[tally[keyPath: name], default: (0, 0)]
                table[tally[keyPath: name]] = (known.valid + counted.0, known.other + counted.1)
            }
            for (name, counts) in table.sorted(by: { $0.key < $1.key }) {
                report.append("  \(Self.right(counts.valid, 22)) \(Self.right(counts.other, 10))  \(name)")
            }
        }
        return report.joined(separator: "\n") + "\n"
    }

    /// An audit asks nobody, so nothing is wrong with an address.
    package static let adviceOnKeys =
        "An audit fetches nothing: name the keys by keys.file in the policy, or --archive, which has none from before it began."

    private static func right(_ number: Int, _ width: Int = 9) -> String {
        let digits = String(number)
        return String(repeating: " ", count: max(0, width - digits.count)) + digits
    }
}
