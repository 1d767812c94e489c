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

    private let policy: AuditPolicy
    private let memory: JudgedTokens
    private let conclusions: Conclusions
    private var beginning: [UInt8]
    private let writesVerdicts: Bool
    /// The verdicts, as lines of JSON.
    private(set) var verdicts: [UInt8] = []
    /// The conclusions of the batch's lines, and where they are by their parts and by their numbers.
    private var held: [Held] = []
    private var lines: [Int] = []
    private var byParts: [Conclusion.Parts: Int] = [:]
    private var byNumber: [Int: Int] = [:]
    /// The first few of them by what they are made of, which nearly all lines come to.
    private var usual: [Usual] = []

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
        beginning = Conclusion.beginning(file: file)
        self.writesVerdicts = writesVerdicts
    }

    /// What the lines came to, so far.
    var summary: AuditSummary {
        var summary = AuditSummary()
        for (held, lines) in zip(held, lines) { summary.add(held.conclusion.tally, lines: lines) }
        return summary
    }

    /// Judges the lines of a batch.
    mutating func judge(_ batch: CaptureReader.Batch, _ format: CaptureFormat) {
        // In memory of its own, as for conclusions.
        let fields = format.fields?.copy
        beginning = beginning.map { $0 }
        unsafe batch.withBytes { bytes in
            if writesVerdicts { verdicts.reserveCapacity(bytes.count / 3) }
            var number = batch.firstLine
            var start = 0
            while start < bytes.count {
                let end = unsafe bytes.position(of: UInt8(ascii: "\n"), from: start) ?? bytes.count
                if let line = unsafe CapturedLine(bytes, start..<end, number: number, fields) { judge(line) }
                number += 1
                start = end + 1
            }
        }
    }

    /// Judges a line, or remembers what came of its token before.
    private mutating func judge(_ line: CapturedLine) {
        let (index, fingerprint) =
            switch line.content {
            case .unreadable(let note): (index(of: Conclusion.Parts(.undecided, note: note)), TokenFingerprint?.none)
            case .token(let text):
                unsafe line.withBytes(of: text) { unsafe judged($0, at: time(of: line)) }
            }
        lines[index] += 1
        if writesVerdicts { write(line, fingerprint, index) }
    }

    private mutating func write(_ line: CapturedLine, _ fingerprint: TokenFingerprint?, _ index: Int) {
        // By its span, so that no references are counted.
        held.span[index].conclusion.write(line, fingerprint, behind: beginning, to: &verdicts)
    }

    private func time(of line: CapturedLine) -> UnixTime? {
        switch policy.instant {
        case .at(let given): given
        case .captured: line.time
        }
    }

    private mutating func judged(
        _ token: UnsafeBufferPointer<UInt8>,
        at time: UnixTime?
    ) -> (index: Int, TokenFingerprint?) {
        if let time, let judged = unsafe memory.find(token, at: time) {
            return (index(of: judged.conclusion), judged.fingerprint)
        }
        let bytes = unsafe Array(token)[...]
        let (judged, period) = policy.judge(bytes, at: time)
        let index = index(of: judged)
        let fingerprint = TokenFingerprint.Key.report.fingerprint(of: bytes)
        // Without a time, or without keys, the line says more than the token.
        if time != nil, !judged.isUndecided, let number = held.span[index].number {
            unsafe memory.insert(token, JudgedToken(conclusion: number, fingerprint: fingerprint), during: period)
        }
        return (index, fingerprint)
    }

    private mutating func index(of judged: AuditPolicy.Judged) -> Int {
        switch judged {
        case .other(let parts): return index(of: parts)
        case .usual(let judge, let header, let codes):
            if let known = usualIndex(judge, header, codes) { return known }
            let index = index(of: Conclusion.Parts(judge.name, header, codes))
            if usual.count < 32 { usual.append(Usual(judge: judge, header: header, codes: codes, index: index)) }
            return index
        }
    }

    private func usualIndex(_ judge: AuditPolicy.Judge, _ header: JOSEHeader, _ codes: [RejectionCode]) -> Int? {
        let usual = usual.span
        for index in usual.indices where usual[index].header === header && usual[index].judge === judge {
            if usual[index].codes == codes { return usual[index].index }
        }
        return nil
    }

    private mutating func index(of number: Int) -> Int {
        index(ofNumber: number) ?? hold(conclusions.conclusion(number), number)
    }

    private mutating func index(of parts: Conclusion.Parts) -> Int {
        if let known = byParts[parts] { return known }
        let (conclusion, number) = conclusions.conclusion(parts)
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

extension AuditPolicy {
    /// What a token comes to.
    fileprivate enum Judged {
        /// By keys that are the same at any time, with a header that was read before.
        case usual(Judge, JOSEHeader, [RejectionCode])
        case other(Conclusion.Parts)

        var isUndecided: Bool {
            if case .other(let parts) = self { parts.outcome == .undecided } else { false }
        }
    }

    /// What comes of a token, and while neither the time nor the keys of the issuer make it another.
    fileprivate func judge(
        _ bytes: ArraySlice<UInt8>,
        at time: UnixTime?
    ) -> (Judged, period: Range<UnixTime>) {
        let token: UnverifiedToken
        do throws(JWSFault) {
            token = try UnverifiedToken.read(bytes, known: knownHeaders)
        } catch {
            return (.other(.init(.invalid, codes: [Rejection(error).code])), UnixTime.always)
        }
        guard let (judge, isOwn) = judge(of: token) else {
            return (.other(.init(nil, token.header, [rejectionWithoutJudge(token).code])), UnixTime.always)
        }
        guard let now = time else {
            return (
                .other(
                    .init(
                        .undecided,
                        note: "no time of capture in seconds (not milliseconds) or RFC 3339; --at sets one for all"
                    )
                ), UnixTime.always
            )
        }
        let issuer = isOwn ? judge.name : nil
        guard let held = judge.keys.held(at: now) else {
            return (.other(.init(.undecided, codes: [.keysUnavailable], issuer: issuer)), UnixTime.always)
        }
        let judgement = judgement(token, by: judge, keys: held.keys, at: now, .allFindings)
        let steady = judgement.claims.map { judge.validator.steadyPeriod(of: $0, around: now) } ?? UnixTime.always
        let period = steady.clamped(to: held.period)
        let codes = judgement.findings.map(\.code)
        if codes.isEmpty, !token.isHeaderKnown { knownHeaders.note(token.jws.headerSegment, token.header) }
        if token.isHeaderKnown, isOwn, judge.keys.areSteady { return (.usual(judge, token.header, codes), period) }
        var parts = Conclusion.Parts(issuer, token.header, codes)
        if codes.isEmpty { parts.keyWithdrawnSince = judgement.key?.thumbprint.flatMap(judge.keys.withdrawnSince) }
        return (.other(parts), period)
    }
}
