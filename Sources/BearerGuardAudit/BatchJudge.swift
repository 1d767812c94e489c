// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// Judges batches of lines, one after the other, and keeps what it needs for the next one.
struct BatchJudge {
    /// A conclusion that lines came to.
    private struct Held {
        let tally: AuditSummary.Tally
        let number: Int?
        /// How many of them.
        var lines = 0
    }

    private struct Usual {
        let judge: AuditPolicy.Judge
        let header: JOSEHeader
        let codes: [RejectionCode]
        let index: Int
    }

    /// What earlier lines came to.
    private var settled = AuditSummary()
    /// The conclusions of the others, and where they are by their parts and by their numbers.
    private var held: [Held] = []
    private var byParts: [Conclusion.Parts: Int] = [:]
    private var byNumber: [Int?] = []
    /// The first few of a batch by what they are made of, which nearly all lines come to.
    private var usual: [Usual] = []
    private var writer = VerdictWriter()

    /// Most conclusions that are kept from one batch to the next: of what tokens merely claim there is no end.
    private static let keptConclusions = 256

    /// What all lines came to.
    var summary: AuditSummary {
        var summary = settled
        for held in held { summary.add(held.tally, lines: held.lines) }
        return summary
    }

    /// The verdicts on the lines of a batch, as lines of JSON, and how many lines it has.
    mutating func judge(_ batch: CaptureReader.Batch, by means: AuditMeans) -> (verdicts: [UInt8], count: Int) {
        if held.count > Self.keptConclusions {
            let settled = summary
            self = BatchJudge()
            self.settled = settled
        }
        // Headers are known by their objects, of which there are others in time.
        usual.removeAll(keepingCapacity: true)
        return unsafe batch.withBytes { bytes in
            var lines = unsafe CapturedLines(bytes, of: batch, means.format, at: means.policy.instant.given)
            var verdicts: [VerdictWriter.Verdict] = []
            verdicts.reserveCapacity(lines.all.count)
            for (index, known) in means.memory.find(lines).enumerated() {
                let verdict: VerdictWriter.Verdict
                if let known {
                    verdict = (self.index(of: known.conclusion, means), known.fingerprint)
                } else {
                    if let fields = means.format.fields {
                        lines.settle(index, fields, at: means.policy.instant.given)
                    }
                    verdict = self.verdict(on: lines.all[index], of: lines, means)
                }
                held[verdict.conclusion].lines += 1
                verdicts.append(verdict)
            }
            let written = means.writesVerdicts ? writer.written(verdicts, on: lines, behind: means.beginning) : []
            return (written, verdicts.count)
        }
    }

    /// What comes of a line whose token is not known.
    private mutating func verdict(
        on line: CapturedLine,
        of lines: CapturedLines,
        _ means: AuditMeans
    ) -> VerdictWriter.Verdict {
        switch line.content {
        case .token(let text): return unsafe lines.withBytes(of: text) { unsafe verdict(on: $0, at: line.time, means) }
        case .noObject(let error):
            let limit = CaptureReader.lineBytes / (1024 * 1024)
            return (index(ofNote: error?.detail ?? "the line is longer than \(limit) MiB", means), nil)
        case .noToken:
            return (index(ofNote: "no member '\(means.format.fields?.token.name ?? "")' with a token", means), nil)
        }
    }

    private mutating func verdict(
        on token: UnsafeBufferPointer<UInt8>,
        at time: UnixTime?,
        _ means: AuditMeans
    ) -> VerdictWriter.Verdict {
        // An earlier line of the batch may have had it.
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
            return (index(ofNote: note, means), nil)
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

    private mutating func index(ofNote note: String, _ means: AuditMeans) -> Int {
        index(of: Conclusion.Parts(.undecided, note: note), means)
    }

    @inline(__always)
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
        held.append(Held(tally: conclusion.tally, number: number))
        writer.add(conclusion)
        if let number {
            if number >= byNumber.count { byNumber += repeatElement(nil, count: number + 1 - byNumber.count) }
            byNumber[number] = held.count - 1
        }
        return held.count - 1
    }

    private func index(ofNumber number: Int) -> Int? { number < byNumber.count ? byNumber[number] : nil }
}
