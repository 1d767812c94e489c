// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// What an audit found, in numbers.
///
/// Its size depends on the policy alone, not on the capture.
public struct AuditSummary: Sendable {
    /// Tokens that passed every check.
    public internal(set) var valid = 0
    /// Tokens with at least one finding.
    public internal(set) var invalid = 0
    /// Lines that could not be judged.
    public internal(set) var undecided = 0
    /// Lines in which no token, or no time, was found.
    public internal(set) var unreadable = 0
    /// Tokens whose issuer's keys were not at hand.
    public internal(set) var withoutKeys = 0
    /// Whether the audit was stopped before the end of its input.
    public internal(set) var wasInterrupted = false
    private var reasons: [String: Int] = [:]
    private var issuers: [String: (valid: Int, other: Int)] = [:]
    private var keys: [String: (valid: Int, other: Int)] = [:]
    private var algorithms: [String: (valid: Int, other: Int)] = [:]

    /// All lines.
    public var total: Int { valid + invalid + undecided }

    mutating func add(_ verdict: Verdict, knownKeys: Set<ExactString>) {
        switch verdict.outcome {
        case .valid: valid += 1
        case .invalid: invalid += 1
        case .undecided:
            undecided += 1
            if verdict.note != nil { unreadable += 1 }
            if verdict.findings.first == .keysUnavailable { withoutKeys += 1 }
        }
        if let reason = verdict.findings.first { reasons[reason.text, default: 0] += 1 }
        let isValid = verdict.outcome == .valid
        // What tokens merely claim is counted together: a forger must not fill the report, or memory.
        let key = verdict.keyID.flatMap { knownKeys.contains(ExactString($0)) ? $0 : nil } ?? "(none known)"
        let algorithm = verdict.algorithm.flatMap { SignatureAlgorithm(rawValue: $0)?.rawValue } ?? "(none known)"
        Self.count(&issuers, verdict.issuer ?? "(none trusted)", isValid)
        Self.count(&keys, key, isValid)
        Self.count(&algorithms, algorithm, isValid)
    }

    private static func count(_ table: inout [String: (valid: Int, other: Int)], _ name: String, _ isValid: Bool) {
        if isValid { table[name, default: (0, 0)].valid += 1 } else { table[name, default: (0, 0)].other += 1 }
    }

    mutating func add(_ other: AuditSummary) {
        valid += other.valid
        invalid += other.invalid
        undecided += other.undecided
        unreadable += other.unreadable
        withoutKeys += other.withoutKeys
        reasons.merge(other.reasons, uniquingKeysWith: +)
        issuers.merge(other.issuers) { ($0.valid + $1.valid, $0.other + $1.other) }
        keys.merge(other.keys) { ($0.valid + $1.valid, $0.other + $1.other) }
        algorithms.merge(other.algorithms) { ($0.valid + $1.valid, $0.other + $1.other) }
    }

    /// One line for people.
    public var headline: String {
        "\(total) tokens: \(valid) valid, \(invalid) invalid, \(undecided) undecided"
            + (wasInterrupted ? " (interrupted: the rest was not read)" : "")
    }

    /// The report for people: by reason, issuer, key and algorithm.
    public var report: String {
        var lines = [headline]
        if !reasons.isEmpty {
            lines += ["", "by reason (the first of each token)"]
            for (code, count) in reasons.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
                lines.append("  \(Self.right(count)) \(code)")
                if let advice = RejectionCode(code)?.advice { lines.append("            \(advice)") }
            }
        }
        for (title, table) in [("issuer", issuers), ("key", keys), ("algorithm", algorithms)] where !table.isEmpty {
            lines += ["", "by \(title)             valid      other"]
            for (name, counts) in table.sorted(by: { $0.key < $1.key }) {
                lines.append("  \(Self.right(counts.valid, 22)) \(Self.right(counts.other, 10))  \(name)")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func right(_ number: Int, _ width: Int = 9) -> String {
        let digits = String(number)
        return String(repeating: " ", count: max(0, width - digits.count)) + digits
    }
}
