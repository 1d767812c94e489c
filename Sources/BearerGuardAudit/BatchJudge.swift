// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// Judges the lines of one batch.
struct BatchJudge {
    private struct Held {
        let conclusion: Conclusion
        let number: Int?
    }

    private let policy: AuditPolicy
    private let memory: JudgedTokens
    private let conclusions: Conclusions
    private let file: String?
    private let writesVerdicts: Bool
    /// The verdicts, as lines of JSON.
    private(set) var verdicts: [UInt8] = []
    /// Those of the batch's lines, and where they are by their parts and by their numbers.
    private var held: [Held] = []
    private var lines: [Int] = []
    private var byParts: [Conclusion.Parts: Int] = [:]
    private var byNumber: [Int: Int] = [:]
    /// The first few of them, which nearly all lines come to: comparing is quicker than hashing.
    private var frequent: [(parts: Conclusion.Parts, index: Int)] = []

    /// - Parameters:
    ///   - memory: of all batches.
    ///   - conclusions: of all batches.
    ///   - file: the name of the input, where there are several.
    init(
        _ policy: AuditPolicy,
        _ memory: JudgedTokens,
        _ conclusions: Conclusions,
        file: String?,
        writesVerdicts: Bool
    ) {
        self.policy = policy
        self.memory = memory
        self.conclusions = conclusions
        self.file = file
        self.writesVerdicts = writesVerdicts
    }

    /// What the lines came to, so far.
    var summary: AuditSummary {
        var summary = AuditSummary()
        for (held, lines) in zip(held, lines) { summary.add(held.conclusion.tally, lines: lines) }
        return summary
    }

    /// Judges a line, or remembers what came of its token before.
    mutating func judge(_ line: CapturedLine) {
        let (index, fingerprint) = judged(line)
        lines[index] += 1
        guard writesVerdicts else { return }
        // By its span, so that no references are counted.
        held.span[index].conclusion.write(line, fingerprint, file: file, to: &verdicts)
    }

    private mutating func judged(_ line: CapturedLine) -> (index: Int, TokenFingerprint?) {
        switch line.content {
        case .unreadable(let note):
            var parts = Conclusion.Parts(.undecided)
            parts.note = note
            return (index(of: parts), nil)
        case .token(let bytes):
            let time: UnixTime?
            switch policy.instant {
            case .at(let given): time = given
            case .captured: time = line.time
            }
            if let time, let judged = memory.find(bytes, at: time) {
                return (index(of: judged.conclusion), judged.fingerprint)
            }
            let (parts, period) = policy.judge(bytes, at: time)
            let fingerprint = TokenFingerprint.Key.report.fingerprint(of: bytes)
            let index = index(of: parts)
            // Without a time, or without keys, the line says more than the token.
            if time != nil, parts.outcome != .undecided, let number = held[index].number {
                memory.insert(bytes, JudgedToken(conclusion: number, fingerprint: fingerprint), during: period)
            }
            return (index, fingerprint)
        }
    }

    private mutating func index(of number: Int) -> Int {
        if let index = byNumber[number] { return index }
        return hold(conclusions.conclusion(number), number)
    }

    private mutating func index(of parts: Conclusion.Parts) -> Int {
        if let known = indexAmongFrequent(parts) ?? byParts[parts] { return known }
        let (conclusion, number) = conclusions.conclusion(parts)
        let index = number.flatMap { byNumber[$0] } ?? hold(conclusion, number)
        byParts[parts] = index
        if frequent.count < 16 { frequent.append((parts, index)) }
        return index
    }

    private func indexAmongFrequent(_ parts: Conclusion.Parts) -> Int? {
        let frequent = frequent.span
        for number in frequent.indices where frequent[number].parts == parts { return frequent[number].index }
        return nil
    }

    private mutating func hold(_ conclusion: Conclusion, _ number: Int?) -> Int {
        held.append(Held(conclusion: conclusion, number: number))
        lines.append(0)
        if let number { byNumber[number] = held.count - 1 }
        return held.count - 1
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
