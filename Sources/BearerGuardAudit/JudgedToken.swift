// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// What came of a token: the same on every line that has it, while the time and the keys are the same.
final class JudgedToken: Sendable {
    let outcome: Verdict.Outcome
    /// When the issuer no longer published the key of a valid token; nil while it does, or where that is not known.
    let keyWithdrawnSince: UnixTime?
    /// What it counts as in a summary.
    let tally: AuditSummary.Tally
    /// The members of a verdict that are the same on every line, as JSON without the first brace.
    let json: [UInt8]

    /// - Parameters:
    ///   - outcome: what it came to.
    ///   - codes: every reason, in the order of the checks; only the first of equal ones counts.
    ///   - issuer: the configured name of the issuer; nil where the token names none that is trusted.
    ///   - header: of the token, where it can be read.
    ///   - fingerprint: names the token; nil where there is none.
    ///   - note: why a line could not be judged.
    ///   - knownKeys: the key identifiers that a summary counts by.
    init(
        _ outcome: Verdict.Outcome,
        _ codes: [RejectionCode] = [],
        issuer: String? = nil,
        header: JOSEHeader? = nil,
        fingerprint: TokenFingerprint? = nil,
        note: String? = nil,
        keyWithdrawnSince: UnixTime? = nil,
        knownKeys: Set<ExactString>
    ) {
        self.outcome = outcome
        self.keyWithdrawnSince = keyWithdrawnSince
        var seen: Set<RejectionCode> = []
        let findings = codes.filter { seen.insert($0).inserted }
        let keyID = header?.keyID?.escapedForLogs
        // What tokens merely claim is counted together: a forger must not fill the report, or memory.
        tally = AuditSummary.Tally(
            outcome: outcome,
            reason: findings.first,
            issuer: issuer ?? "(none trusted)",
            key: keyID.flatMap { knownKeys.contains(ExactString($0)) ? $0 : nil } ?? "(none known)",
            algorithm: header?.algorithm?.rawValue ?? "(none known)",
            isUnreadable: outcome == .undecided && note != nil
        )
        var members: [(String, JSONValue)] = [
            ("verdict", .string(outcome.rawValue)), ("reason", findings.first.map { .string($0.text) } ?? .null),
            ("findings", .array(findings.map { .string($0.text) })), ("issuer", issuer.map { .string($0) } ?? .null),
            ("kid", keyID.map { .string($0) } ?? .null),
            ("alg", (header?.algorithmName.escapedForLogs).map { .string($0) } ?? .null),
            ("fingerprint", fingerprint.map { .string($0.text) } ?? .null),
        ]
        if let keyWithdrawnSince { members.append(("key_withdrawn_since", .string(keyWithdrawnSince.rfc3339))) }
        if let note { members.append(("note", .string(note))) }
        var json: [UInt8] = []
        JSONValue.object(members).write(to: &json)
        self.json = Array(json.dropFirst())
    }
}
