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
    let judged: JudgedToken

    /// Appends the verdict as one line of JSON.
    func write(file: String?, to output: inout [UInt8]) {
        output += "{".utf8
        if let file {
            output += "\"file\":".utf8
            JSONValue.string(file).write(to: &output)
            output += ",".utf8
        }
        output += "\"line\":".utf8
        output += String(line).utf8
        if let id {
            output += ",\"id\":".utf8
            id.write(to: &output)
        }
        output += ",".utf8
        output += judged.json
        output += "\n".utf8
    }
}

extension AuditPolicy {
    /// Judges a line, or remembers what came of its token before.
    func verdict(on line: CapturedLine, _ memory: JudgedTokens, _ knownKeys: Set<ExactString>) -> Verdict {
        func verdict(_ judged: JudgedToken) -> Verdict { Verdict(line: line.number, id: line.id, judged: judged) }
        switch line.content {
        case .unreadable(let note): return verdict(JudgedToken(.undecided, note: note, knownKeys: knownKeys))
        case .token(let bytes):
            let time: UnixTime?
            switch instant {
            case .at(let given): time = given
            case .captured: time = line.time
            }
            if let time, let judged = memory.find(bytes, at: time) { return verdict(judged) }
            let entry = judge(bytes, at: time, knownKeys)
            // Without a time, or without keys, the line says more than the token.
            if time != nil, entry.judged.outcome != .undecided { memory.insert(entry) }
            return verdict(entry.judged)
        }
    }

    private func judge(
        _ bytes: ArraySlice<UInt8>,
        at time: UnixTime?,
        _ knownKeys: Set<ExactString>
    ) -> JudgedTokens.Entry {
        let now = time ?? UnixTime(seconds: 0)
        let fingerprint = TokenFingerprint.Key.report.fingerprint(of: bytes)
        let token: UnverifiedToken
        do throws(JWSFault) {
            token = try UnverifiedToken(bytes)
        } catch {
            let code = Rejection(error).code
            let judged = JudgedToken(.invalid, [code], fingerprint: fingerprint, knownKeys: knownKeys)
            return JudgedTokens.Entry(bytes, judged)
        }
        guard let (judge, isOwn) = judge(of: token) else {
            let judged = JudgedToken(
                .invalid,
                [.wrongIssuer],
                header: token.header,
                fingerprint: fingerprint,
                knownKeys: knownKeys
            )
            return JudgedTokens.Entry(bytes, judged)
        }
        let issuer = isOwn && !judge.alias.isEmpty ? judge.alias : nil
        guard time != nil else {
            let note = "no time of capture"
            let judged = JudgedToken(.undecided, fingerprint: fingerprint, note: note, knownKeys: knownKeys)
            return JudgedTokens.Entry(bytes, judged)
        }
        guard let held = judge.keys.held(at: now) else {
            let judged = JudgedToken(
                .undecided,
                [.keysUnavailable],
                issuer: issuer,
                fingerprint: fingerprint,
                knownKeys: knownKeys
            )
            return JudgedTokens.Entry(bytes, judged)
        }
        let judgement = judgement(token, by: judge, keys: held.keys, at: now, .allFindings)
        let isValid = judgement.findings.isEmpty
        let withdrawal = isValid ? judgement.key?.thumbprint.flatMap(judge.keys.withdrawnSince) : nil
        let judged = JudgedToken(
            isValid ? .valid : .invalid,
            judgement.findings.map(\.code),
            issuer: issuer,
            header: token.header,
            fingerprint: fingerprint,
            keyWithdrawnSince: withdrawal,
            knownKeys: knownKeys
        )
        let steady = judgement.claims.map { judge.validator.steadyPeriod(of: $0, around: now) } ?? UnixTime.always
        return JudgedTokens.Entry(bytes, judged, during: steady.clamped(to: held.period))
    }
}
