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
        var findings: [RejectionCode] = []
        for code in codes where !findings.contains(code) { findings.append(code) }
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
        var json: [UInt8] = []
        json.reserveCapacity(256)
        func add(_ name: String, _ value: JSONValue) {
            if !json.isEmpty { json.append(UInt8(ascii: ",")) }
            JSONValue.string(name).write(to: &json)
            json.append(UInt8(ascii: ":"))
            value.write(to: &json)
        }
        func add(_ name: String, text: String?) { add(name, text.map { .string($0) } ?? .null) }
        add("verdict", text: outcome.rawValue)
        add("reason", text: findings.first?.text)
        add("findings", .array(findings.map { .string($0.text) }))
        add("issuer", text: issuer)
        add("kid", text: keyID)
        add("alg", text: header?.algorithmName.escapedForLogs)
        add("fingerprint", text: fingerprint?.text)
        if let keyWithdrawnSince { add("key_withdrawn_since", text: keyWithdrawnSince.rfc3339) }
        if let note { add("note", text: note) }
        json.append(UInt8(ascii: "}"))
        self.json = json
    }
}
