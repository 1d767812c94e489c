// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// What came of one captured token.
struct Verdict: Sendable {
    enum Outcome: String, Sendable {
        case valid
        case invalid
        case undecided
    }

    let line: Int
    let id: JSONValue?
    let outcome: Outcome
    /// Every reason, in the order of the checks, each once.
    let findings: [RejectionCode]
    /// The configured name of the issuer; nil where the token names none that is trusted.
    let issuer: String?
    let keyID: String?
    let algorithm: String?
    let fingerprint: TokenFingerprint?
    /// Why a line could not be judged.
    let note: String?
    /// When the issuer no longer published the key of a valid token; nil while it does, or where that is not known.
    var keyWithdrawnSince: UnixTime?

    /// The verdict as one line of JSON.
    func json(file: String?) -> String {
        var members: [(String, JSONValue)] = []
        if let file { members.append(("file", .string(file))) }
        members.append(("line", .integer(Int64(line))))
        if let id { members.append(("id", id)) }
        members.append(("verdict", .string(outcome.rawValue)))
        members.append(("reason", findings.first.map { .string($0.text) } ?? .null))
        members.append(("findings", .array(findings.map { .string($0.text) })))
        members.append(("issuer", issuer.map { .string($0) } ?? .null))
        members.append(("kid", keyID.map { .string($0) } ?? .null))
        members.append(("alg", algorithm.map { .string($0) } ?? .null))
        members.append(("fingerprint", fingerprint.map { .string($0.text) } ?? .null))
        if let time = keyWithdrawnSince { members.append(("key_withdrawn_since", .string(time.rfc3339))) }
        if let note { members.append(("note", .string(note))) }
        return JSONValue.object(members).text
    }
}

extension AuditPolicy {
    func verdict(on line: CapturedLine) -> Verdict {
        let bytes: [UInt8]
        switch line.content {
        case .token(let token): bytes = token
        case .unreadable(let note): return undecided(line, [], nil, note)
        }
        let fingerprint = TokenFingerprint.Key.report.fingerprint(of: bytes)
        let token: UnverifiedToken
        do throws(JWSFault) {
            token = try UnverifiedToken(bytes)
        } catch {
            return verdict(line, [Rejection(error).code], nil, nil, fingerprint)
        }
        guard let (judge, isOwn) = judge(of: token) else {
            return verdict(line, [.wrongIssuer], nil, token.header, fingerprint)
        }
        let alias = isOwn && !judge.alias.isEmpty ? judge.alias : nil
        let now: UnixTime
        switch instant {
        case .at(let time): now = time
        case .captured:
            guard let time = line.time else { return undecided(line, [], fingerprint, "no time of capture") }
            now = time
        }
        guard let keys = judge.keys.snapshot(at: now) else {
            return undecided(line, [.keysUnavailable], fingerprint, nil, issuer: alias)
        }
        let judgement = judgement(token, by: judge, keys: keys, at: now)
        var verdict = verdict(line, judgement.findings.map(\.code), alias, token.header, fingerprint)
        if verdict.outcome == .valid, let thumbprint = judgement.key?.thumbprint {
            verdict.keyWithdrawnSince = judge.keys.withdrawnSince(thumbprint: thumbprint)
        }
        return verdict
    }

    private func verdict(
        _ line: CapturedLine,
        _ codes: [RejectionCode],
        _ issuer: String?,
        _ header: JOSEHeader?,
        _ fingerprint: TokenFingerprint
    ) -> Verdict {
        var seen: Set<RejectionCode> = []
        return Verdict(
            line: line.number,
            id: line.id,
            outcome: codes.isEmpty ? .valid : .invalid,
            findings: codes.filter { seen.insert($0).inserted },
            issuer: issuer,
            keyID: header?.keyID?.escapedForLogs,
            algorithm: header?.algorithmName.escapedForLogs,
            fingerprint: fingerprint,
            note: nil
        )
    }

    private func undecided(
        _ line: CapturedLine,
        _ codes: [RejectionCode],
        _ fingerprint: TokenFingerprint?,
        _ note: String?,
        issuer: String? = nil
    ) -> Verdict {
        Verdict(
            line: line.number,
            id: line.id,
            outcome: .undecided,
            findings: codes,
            issuer: issuer,
            keyID: nil,
            algorithm: nil,
            fingerprint: fingerprint,
            note: note
        )
    }
}
