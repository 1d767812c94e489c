// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// Judges the lines of one batch.
struct BatchJudge {
    private struct Held {
        let conclusion: Conclusion
        let number: Int?
    }

    private struct Usual {
        let judge: AuditPolicy.Judge
        let header: JOSEHeader
        let codes: [RejectionCode]
        let index: Int
    }

    /// The verdicts, as lines of JSON.
    private(set) var verdicts: [UInt8] = []
    /// The conclusions of the batch's lines, and where they are by their parts and by their numbers.
    private var held: [Held] = []
    private var lines: [Int] = []
    private var byParts: [Conclusion.Parts: Int] = [:]
    private var byNumber: [Int: Int] = [:]
    /// The first few of them by what they are made of, which nearly all lines come to.
    private var usual: [Usual] = []

    /// What the lines came to, so far.
    var summary: AuditSummary {
        var summary = AuditSummary()
        for (held, lines) in zip(held, lines) { summary.add(held.conclusion.tally, lines: lines) }
        return summary
    }

    /// Judges the lines of a batch.
    mutating func judge(_ batch: CaptureReader.Batch, by means: AuditMeans) {
        let fields = means.format.fields
        unsafe batch.withBytes { bytes in
            if means.writesVerdicts { verdicts.reserveCapacity(bytes.count / 3) }
            var number = batch.firstLine
            var start = 0
            while start < bytes.count {
                let end = unsafe bytes.position(of: UInt8(ascii: "\n"), from: start) ?? bytes.count
                let line = unsafe CapturedLine(bytes, start..<end, number: number, fields)
                if let line { judge(line, means) }
                number += 1
                start = end + 1
            }
        }
    }

    /// Judges a line, or remembers what came of its token before.
    private mutating func judge(_ line: CapturedLine, _ means: AuditMeans) {
        let (index, fingerprint) =
            switch line.content {
            case .unreadable(let note):
                (index(of: Conclusion.Parts(.undecided, note: note), means), TokenFingerprint?.none)
            case .token(let text):
                unsafe line.withBytes(of: text) { unsafe judged($0, at: means.time(of: line), means) }
            }
        lines[index] += 1
        if means.writesVerdicts { write(line, fingerprint, index, behind: means.beginning) }
    }

    private mutating func write(
        _ line: CapturedLine,
        _ fingerprint: TokenFingerprint?,
        _ index: Int,
        behind beginning: [UInt8]
    ) {
        // By its span, so that no references are counted.
        held.span[index].conclusion.write(line, fingerprint, behind: beginning, to: &verdicts)
    }

    private mutating func judged(
        _ token: UnsafeBufferPointer<UInt8>,
        at time: UnixTime?,
        _ means: AuditMeans
    ) -> (index: Int, TokenFingerprint?) {
        if let time, let judged = unsafe means.memory.find(token, at: time) {
            return (index(of: judged.conclusion, means), judged.fingerprint)
        }
        let bytes = unsafe Array(token)[...]
        let (index, period) = judge(bytes, at: time, means)
        let fingerprint = means.fingerprintKey.fingerprint(of: bytes)
        // Without a time the line says more than the token.
        if time != nil, let period, let number = held.span[index].number {
            unsafe means.memory.insert(token, JudgedToken(conclusion: number, fingerprint: fingerprint), during: period)
        }
        return (index, fingerprint)
    }

    /// What comes of a token, and while neither the time nor the keys of the issuer make it another; no period where it
    /// stays undecided.
    private mutating func judge(
        _ bytes: ArraySlice<UInt8>,
        at time: UnixTime?,
        _ means: AuditMeans
    ) -> (index: Int, period: Range<UnixTime>?) {
        let policy = means.policy
        let token: UnverifiedToken
        do throws(JWSFault) {
            token = try UnverifiedToken.read(bytes, known: policy.knownHeaders)
        } catch {
            let parts = Conclusion.Parts(.invalid, codes: [Rejection(error).code])
            return (index(of: parts, means), UnixTime.always)
        }
        guard let (judge, isOwn) = policy.judge(of: token) else {
            let parts = Conclusion.Parts(nil, token.header, [policy.rejectionWithoutJudge(token).code])
            return (index(of: parts, means), UnixTime.always)
        }
        guard let now = time else {
            let note = "no time of capture in seconds (not milliseconds) or RFC 3339; --at sets one for all"
            return (index(of: Conclusion.Parts(.undecided, note: note), means), nil)
        }
        guard let current = judge.keys.held(at: now) else {
            let issuer = isOwn ? judge.name : nil
            return (index(of: Conclusion.Parts(.undecided, codes: [.keysUnavailable], issuer: issuer), means), nil)
        }
        let judgement = policy.judgement(token, by: judge, keys: current.keys, at: now, .allFindings)
        let steady = judgement.claims.map { judge.validator.steadyPeriod(of: $0, around: now) } ?? UnixTime.always
        let period = steady.clamped(to: current.period)
        let codes = judgement.findings.map(\.code)
        if codes.isEmpty, !token.isHeaderKnown { policy.knownHeaders.note(token.jws.headerSegment, token.header) }
        let isUsual = token.isHeaderKnown && isOwn && judge.keys.areSteady
        if isUsual, let known = usualIndex(judge, token.header, codes) { return (known, period) }
        var parts = Conclusion.Parts(isOwn ? judge.name : nil, token.header, codes)
        if codes.isEmpty { parts.keyWithdrawnSince = judgement.key?.thumbprint.flatMap(judge.keys.withdrawnSince) }
        let index = index(of: parts, means)
        if isUsual, usual.count < 32 {
            usual.append(Usual(judge: judge, header: token.header, codes: codes, index: index))
        }
        return (index, period)
    }

    private func usualIndex(_ judge: AuditPolicy.Judge, _ header: JOSEHeader, _ codes: [RejectionCode]) -> Int? {
        let usual = usual.span
        for index in usual.indices where usual[index].header === header && usual[index].judge === judge {
            if usual[index].codes == codes { return usual[index].index }
        }
        return nil
    }

    private mutating func index(of number: Int, _ means: AuditMeans) -> Int {
        index(ofNumber: number) ?? hold(means.conclusions.conclusion(number), number)
    }

    private mutating func index(of parts: Conclusion.Parts, _ means: AuditMeans) -> Int {
        if let known = byParts[parts] { return known }
        let (conclusion, number) = means.conclusions.conclusion(parts)
        let index = number.flatMap { self.index(ofNumber: $0) } ?? hold(conclusion, number)
        byParts[parts] = index
        return index
    }

    private mutating func hold(_ conclusion: Conclusion, _ number: Int?) -> Int {
        held.append(Held(conclusion: conclusion, number: number))
        lines.append(0)
        if let number { byNumber[number] = held.count - 1 }
        return held.count - 1
    }

    private func index(ofNumber number: Int) -> Int? {
        let held = held.span
        // The first few are nearly all lines': comparing is quicker than hashing.
        for index in 0..<min(8, held.count) where held[index].number == number { return index }
        return byNumber[number]
    }
}
