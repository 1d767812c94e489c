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
        case decided(GatewayPolicy.Outcome, by: GatewayPolicy)
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
    func admits(_ peer: String?) -> Bool {
        if state.trusts(peer) { return true }
        state.log.note(.warning, "question from an address that is not in trustedPeers")
        return false
    }

    /// Decides one question.
    func answer(
        _ credentials: RequestCredentials,
        for original: () throws(GatewayDialect.Misunderstanding) -> OriginalRequest
    ) async -> Answer {
        defer { atHand.subtract(1, ordering: .relaxed) }
        guard atHand.add(1, ordering: .relaxed).newValue <= limit else {
            state.metrics.noteRefusal(.keysUnavailable)
            return .overloaded
        }
        let policy = state.policy
        let outcome = await outcome(credentials, original, by: policy)
        note(outcome)
        return .decided(outcome, by: policy)
    }

    /// Decides one question if that takes no waiting for keys; nil where it does.
    func outcomeAtHand(
        _ credentials: RequestCredentials,
        for read: () throws(GatewayDialect.Misunderstanding) -> OriginalRequest
    ) -> GatewayPolicy.Outcome? {
        let outcome: GatewayPolicy.Outcome
        switch Result(catching: read) {
        case .failure(let misunderstanding): outcome = Self.refused(misunderstanding)
        case .success(let original):
            guard let atHand = state.policy.outcomeAtHand(original, credentials) else { return nil }
            outcome = atHand
            state.compare(original, credentials, with: outcome.answer)
        }
        note(outcome)
        return outcome
    }

    private func outcome(
        _ credentials: RequestCredentials,
        _ read: () throws(GatewayDialect.Misunderstanding) -> OriginalRequest,
        by policy: GatewayPolicy
    ) async -> GatewayPolicy.Outcome {
        switch Result(catching: read) {
        case .failure(let misunderstanding): return Self.refused(misunderstanding)
        case .success(let original):
            let outcome = await policy.decide(original, credentials)
            state.compare(original, credentials, with: outcome.answer)
            return outcome
        }
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
