// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import Synchronization

/// Decides what gateways ask, whatever protocol they ask by, a bounded number at a time.
///
/// Nothing is allowed but by a decision that was made.
final class GatewayQuestions: Sendable {
    /// What to answer.
    enum Answer: Sendable {
        case decided(GatewayPolicy.Outcome)
        /// As many are decided as the limits allow; the gateway may ask again in a second.
        case overloaded
    }

    let state: GatewayState
    private let limit: Int
    private let atHand = Atomic<Int>(0)

    init(state: GatewayState, limit: Int) {
        self.state = state
        self.limit = limit
    }

    /// Whether the other end of a connection may ask; nil is that of a Unix socket.
    func admits(_ peer: String?, by current: ConfigurationInForce) -> Bool {
        if current.trusts(peer) { return true }
        state.log.note(.warning, "question from an address that is not in trustedPeers")
        return false
    }

    /// Decides one question.
    func answer(
        _ credentials: RequestCredentials,
        by current: ConfigurationInForce,
        for original: () throws(GatewayDialect.Misunderstanding) -> OriginalRequest
    ) async -> Answer {
        defer { atHand.subtract(1, ordering: .relaxed) }
        guard atHand.add(1, ordering: .relaxed).newValue <= limit else {
            state.metrics.noteRefusal(.keysUnavailable)
            return .overloaded
        }
        let outcome = await outcome(credentials, original, by: current)
        note(outcome)
        return .decided(outcome)
    }

    /// Decides one question if that takes no waiting for keys; nil where it does.
    func outcomeAtHand(
        _ credentials: RequestCredentials,
        by current: ConfigurationInForce,
        for read: () throws(GatewayDialect.Misunderstanding) -> OriginalRequest
    ) -> GatewayPolicy.Outcome? {
        let outcome: GatewayPolicy.Outcome
        switch Result(catching: read) {
        case .failure(let misunderstanding): outcome = Self.refused(misunderstanding)
        case .success(let original):
            guard let atHand = current.policy.outcomeAtHand(original, credentials) else { return nil }
            outcome = atHand
            compare(original, credentials, outcome, by: current)
        }
        note(outcome)
        return outcome
    }

    private func outcome(
        _ credentials: RequestCredentials,
        _ read: () throws(GatewayDialect.Misunderstanding) -> OriginalRequest,
        by current: ConfigurationInForce
    ) async -> GatewayPolicy.Outcome {
        switch Result(catching: read) {
        case .failure(let misunderstanding): return Self.refused(misunderstanding)
        case .success(let original):
            let outcome = await current.policy.decide(original, credentials)
            compare(original, credentials, outcome, by: current)
            return outcome
        }
    }

    private func compare(
        _ original: OriginalRequest,
        _ credentials: RequestCredentials,
        _ outcome: GatewayPolicy.Outcome,
        by current: ConfigurationInForce
    ) {
        guard let shadow = current.shadow else { return }
        state.compare(original, credentials, by: shadow, with: outcome.answer)
    }

    private static func refused(_ misunderstanding: GatewayDialect.Misunderstanding) -> GatewayPolicy.Outcome {
        GatewayPolicy.refused(.invalidRequest, misunderstanding.detail, rule: nil)
    }

    /// Counts and logs what the guard's own observer does not see.
    private func note(_ outcome: GatewayPolicy.Outcome) {
        switch outcome.answer {
        case .allowed: if outcome.isOpen { state.metrics.noteOpen() }
        case .refused(let refusal):
            guard let detail = outcome.detail else { return }
            state.metrics.noteRefusal(refusal.code)
            state.log.note(
                .info,
                "refused by the gateway",
                [
                    ("outcome", .string(refusal.code.text)), ("status", .integer(Int64(refusal.httpStatus))),
                    ("rule", outcome.rule.map { .string($0) } ?? .null), ("detail", .string(detail)),
                ]
            )
        }
    }
}
#endif
