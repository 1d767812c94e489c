// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// What came of a token, but for its fingerprint: most tokens of a capture share a few of these.
final class Conclusion: Sendable {
    /// What it is made of.
    struct Parts: Hashable {
        let outcome: Verdict.Outcome
        /// Every reason, in the order of the checks; only the first of equal ones counts.
        var codes: [RejectionCode] = []
        /// The configured name of the issuer; nil where the token names none that is trusted.
        var issuer: String?
        /// What the token's header says, where it can be read; escaped, so that it is short, and ASCII.
        ///
        /// `String` takes texts that are canonically equivalent for one another, which two tokens' texts must not be.
        private(set) var keyID: String?
        private(set) var algorithm: SignatureAlgorithm?
        private(set) var algorithmName: String?
        /// Why a line could not be judged.
        var note: String?
        /// When the issuer no longer published the key of a valid token; nil while it does, or where that is not known.
        var keyWithdrawnSince: UnixTime?

        init(_ outcome: Verdict.Outcome) { self.outcome = outcome }

        mutating func note(_ header: JOSEHeader) {
            keyID = header.keyID?.escapedForLogs
            algorithm = header.algorithm
            algorithmName = header.algorithmName.escapedForLogs
        }
    }

    let outcome: Verdict.Outcome
    /// What it counts as in a summary.
    let tally: AuditSummary.Tally
    /// The members of a verdict around the fingerprint, as JSON.
    private let start: [UInt8]
    private let end: [UInt8]

    /// - Parameter knownKeys: the key identifiers that a summary counts by.
    init(_ parts: Parts, knownKeys: Set<ExactString>) {
        outcome = parts.outcome
        var findings: [RejectionCode] = []
        for code in parts.codes where !findings.contains(code) { findings.append(code) }
        // What tokens merely claim is counted together: a forger must not fill the report, or memory.
        tally = AuditSummary.Tally(
            outcome: outcome,
            reason: findings.first,
            issuer: parts.issuer ?? "(none trusted)",
            key: parts.keyID.flatMap { knownKeys.contains(ExactString($0)) ? $0 : nil } ?? "(none known)",
            algorithm: parts.algorithm?.rawValue ?? "(none known)",
            isUnreadable: outcome == .undecided && parts.note != nil
        )
        func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        start = Self.members([
            ("verdict", .string(outcome.rawValue)), ("reason", text(findings.first?.text)),
            ("findings", .array(findings.map { .string($0.text) })), ("issuer", text(parts.issuer)),
            ("kid", text(parts.keyID)), ("alg", text(parts.algorithmName)),
        ])
        var last: [(String, JSONValue)] = []
        if let time = parts.keyWithdrawnSince { last.append(("key_withdrawn_since", .string(time.rfc3339))) }
        if let note = parts.note { last.append(("note", .string(note))) }
        end = Self.members(last)
    }

    /// What it takes, estimated.
    var bytes: Int { start.count + end.count + 256 }

    private static func members(_ members: [(String, JSONValue)]) -> [UInt8] {
        Array(JSONValue.object(members).text.utf8.dropFirst().dropLast())
    }

    /// Appends the members of a verdict without braces.
    func write(_ fingerprint: TokenFingerprint?, to output: inout [UInt8]) {
        output += start
        if let fingerprint {
            output += ",\"fingerprint\":\"".utf8
            fingerprint.write(to: &output)
            output.append(UInt8(ascii: "\""))
        } else {
            output += ",\"fingerprint\":null".utf8
        }
        if !end.isEmpty {
            output.append(UInt8(ascii: ","))
            output += end
        }
    }
}
