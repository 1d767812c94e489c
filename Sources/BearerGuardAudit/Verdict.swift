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
        judged.conclusion.write(judged.fingerprint, to: &output)
        output += "}\n".utf8
    }
}

/// What came of a token: the same on every line that has it, while the time and the keys are the same.
struct JudgedToken: Sendable {
    let conclusion: Conclusion
    /// Names the token; nil where there is none.
    let fingerprint: TokenFingerprint?
}

/// Judges the lines of one batch.
struct BatchJudge {
    private let policy: AuditPolicy
    private let memory: JudgedTokens
    private let knownKeys: Set<ExactString>
    private var conclusions: [Conclusion.Parts: Conclusion] = [:]
    /// The first few of them, which nearly all lines come to: comparing is quicker than hashing.
    private var frequent: [(parts: Conclusion.Parts, conclusion: Conclusion)] = []

    /// - Parameters:
    ///   - memory: of all batches.
    ///   - knownKeys: the key identifiers that a summary counts by.
    init(_ policy: AuditPolicy, _ memory: JudgedTokens, _ knownKeys: Set<ExactString>) {
        self.policy = policy
        self.memory = memory
        self.knownKeys = knownKeys
    }

    /// Judges a line, or remembers what came of its token before.
    mutating func verdict(on line: CapturedLine) -> Verdict {
        Verdict(line: line.number, id: line.id, judged: judged(line))
    }

    private mutating func judged(_ line: CapturedLine) -> JudgedToken {
        switch line.content {
        case .unreadable(let note):
            var parts = Conclusion.Parts(.undecided)
            parts.note = note
            return JudgedToken(conclusion: conclusion(parts), fingerprint: nil)
        case .token(let bytes):
            let time: UnixTime?
            switch policy.instant {
            case .at(let given): time = given
            case .captured: time = line.time
            }
            if let time, let judged = memory.find(bytes, at: time) { return judged }
            let (parts, period) = policy.judge(bytes, at: time)
            let fingerprint = TokenFingerprint.Key.report.fingerprint(of: bytes)
            let judged = JudgedToken(conclusion: conclusion(parts), fingerprint: fingerprint)
            // Without a time, or without keys, the line says more than the token.
            if time != nil, parts.outcome != .undecided {
                memory.insert(JudgedTokens.Entry(bytes, judged, during: period))
            }
            return judged
        }
    }

    private mutating func conclusion(_ parts: Conclusion.Parts) -> Conclusion {
        for index in frequent.indices where frequent[index].parts == parts { return frequent[index].conclusion }
        if let known = conclusions[parts] { return known }
        let conclusion = Conclusion(parts, knownKeys: knownKeys)
        conclusions[parts] = conclusion
        if frequent.count < 16 { frequent.append((parts, conclusion)) }
        return conclusion
    }
}

extension AuditPolicy {
    /// What comes of a token, and while neither the time nor the keys of the issuer make it another.
    fileprivate func judge(
        _ bytes: ArraySlice<UInt8>,
        at time: UnixTime?
    ) -> (parts: Conclusion.Parts, period: Range<UnixTime>) {
        var parts = Conclusion.Parts(.invalid)
        let token: UnverifiedToken
        do throws(JWSFault) {
            token = try UnverifiedToken(bytes, known: knownHeaders)
        } catch {
            parts.codes = [Rejection(error).code]
            return (parts, UnixTime.always)
        }
        guard let (judge, isOwn) = judge(of: token) else {
            parts.codes = [.wrongIssuer]
            parts.note(token.header)
            return (parts, UnixTime.always)
        }
        guard let now = time else {
            parts = Conclusion.Parts(.undecided)
            parts.note = "no time of capture"
            return (parts, UnixTime.always)
        }
        let issuer = isOwn && !judge.alias.isEmpty ? judge.alias : nil
        guard let held = judge.keys.held(at: now) else {
            parts = Conclusion.Parts(.undecided)
            parts.codes = [.keysUnavailable]
            parts.issuer = issuer
            return (parts, UnixTime.always)
        }
        let judgement = judgement(token, by: judge, keys: held.keys, at: now, .allFindings)
        if judgement.findings.isEmpty {
            if !token.isHeaderKnown { knownHeaders.note(token.jws.headerSegment, token.header) }
            parts = Conclusion.Parts(.valid)
            parts.keyWithdrawnSince = judgement.key?.thumbprint.flatMap(judge.keys.withdrawnSince)
        }
        parts.codes = judgement.findings.map(\.code)
        parts.issuer = issuer
        parts.note(token.header)
        let steady = judgement.claims.map { judge.validator.steadyPeriod(of: $0, around: now) } ?? UnixTime.always
        return (parts, steady.clamped(to: held.period))
    }
}
