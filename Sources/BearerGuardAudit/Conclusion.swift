// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Synchronization

/// What came of a token, but for its fingerprint: most tokens of a capture share a few of these.
final class Conclusion: Sendable {
    enum Outcome: String, Sendable {
        case valid
        case invalid
        case undecided
    }

    /// What it is made of.
    struct Parts: Hashable {
        let outcome: Outcome
        /// Every reason, in the order of the checks; only the first of equal ones counts.
        let codes: [RejectionCode]
        /// The configured name of the issuer; nil where the token names none that is trusted.
        let issuer: String?
        /// What the token's header says, where it can be read; escaped, so that it is short, and ASCII.
        ///
        /// `String` takes texts that are canonically equivalent for one another, which two tokens' texts must not be.
        private(set) var keyID: String?
        private(set) var algorithm: SignatureAlgorithm?
        private(set) var algorithmName: String?
        /// Why a line could not be judged.
        let note: String?
        /// When the issuer no longer published the key of a valid token; nil while it does, or where that is not known.
        var keyWithdrawnSince: UnixTime?

        init(_ outcome: Outcome, codes: [RejectionCode] = [], issuer: String? = nil, note: String? = nil) {
            self.outcome = outcome
            self.codes = codes
            self.issuer = issuer
            self.note = note
        }

        /// Those of a token that was judged.
        init(_ issuer: String?, _ header: JOSEHeader, _ codes: [RejectionCode]) {
            self.init(codes.isEmpty ? .valid : .invalid, codes: codes, issuer: issuer)
            keyID = header.keyID?.escapedForLogs
            algorithm = header.algorithm
            algorithmName = header.algorithmName.escapedForLogs
        }

        /// Whether a token can have any text in it, of which there is no end.
        func isClaimed(unless knownKeys: Set<ExactString>) -> Bool {
            if let keyID, !knownKeys.contains(ExactString(keyID)) { return true }
            return algorithmName != nil && algorithm == nil
        }
    }

    /// What it counts as in a summary.
    let tally: AuditSummary.Tally
    /// A verdict as JSON, from the comma in front of its members up to the quote of the fingerprint, and from the other one on.
    let start: [UInt8]
    let end: [UInt8]

    /// - Parameter knownKeys: the key identifiers that a summary counts by.
    init(_ parts: Parts, knownKeys: Set<ExactString>) {
        let outcome = parts.outcome
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
        start =
            Self.members([
                ("verdict", .string(outcome.rawValue)), ("reason", text(findings.first?.text)),
                ("findings", .array(findings.map { .string($0.text) })), ("issuer", text(parts.issuer)),
                ("kid", text(parts.keyID)), ("alg", text(parts.algorithmName)),
            ]) + ",\"fingerprint\":\"".utf8
        var last: [(String, JSONValue)] = []
        if let time = parts.keyWithdrawnSince { last.append(("key_withdrawn_since", .string(time.rfc3339))) }
        if let note = parts.note { last.append(("note", .string(note))) }
        end = "\"".utf8 + Self.members(last) + "}\n".utf8
    }

    /// The members of an object behind other ones.
    private static func members(_ members: [(String, JSONValue)]) -> [UInt8] {
        members.isEmpty ? [] : [UInt8(ascii: ",")] + JSONValue.object(members).text.utf8.dropFirst().dropLast()
    }
}

/// The conclusions of an audit by their numbers, which are all that is remembered of each token.
final class Conclusions: Sendable {
    private struct State {
        var numbers: [Conclusion.Parts: Int] = [:]
        var all: [Conclusion] = []
        /// How many of them name a key or an algorithm that there is none of.
        var claimed = 0
    }

    /// Of what tokens merely claim, so much; what is more is made for its lines alone.
    private static let claimedLimit = 16_384
    private let state = Mutex(State())
    private let knownKeys: Set<ExactString>

    /// - Parameter knownKeys: the key identifiers that a summary counts by.
    init(knownKeys: Set<ExactString>) { self.knownKeys = knownKeys }

    /// The conclusion of these parts, and its number if it has one.
    func conclusion(_ parts: Conclusion.Parts) -> (Conclusion, number: Int?) {
        let known = state.withLock { state in state.numbers[parts].map { (state.all[$0], number: $0) } }
        if let known { return known }
        let conclusion = Conclusion(parts, knownKeys: knownKeys)
        let isClaimed = parts.isClaimed(unless: knownKeys)
        let number = state.withLock { state -> Int? in
            if let number = state.numbers[parts] { return number }
            guard !isClaimed || state.claimed < Self.claimedLimit else { return nil }
            if isClaimed { state.claimed += 1 }
            state.numbers[parts] = state.all.count
            state.all.append(conclusion)
            return state.all.count - 1
        }
        return (conclusion, number)
    }

    /// The conclusion of a number that was given out.
    func conclusion(_ number: Int) -> Conclusion { state.withLock { $0.all[number] } }
}
