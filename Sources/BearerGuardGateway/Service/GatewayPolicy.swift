// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

/// Everything that a decision rests on, replaced as one when the configuration changes.
package final class GatewayPolicy: Sendable {
    package let rules: AccessRules
    package let identity: [IdentityField]
    package let requestGuard: RequestGuard
    /// Signs the token for upstreams; nil for none.
    package let internalTokens: InternalTokenIssuer?
    /// What every token must meet, whatever the rule asks.
    private let requirement: Requirement
    private let clock: WallClock

    /// A policy.
    package init(
        rules: AccessRules,
        identity: [IdentityField],
        requestGuard: RequestGuard,
        requirement: Requirement = .authenticated,
        internalTokens: InternalTokenIssuer? = nil,
        clock: WallClock = .system
    ) {
        self.internalTokens = internalTokens
        self.clock = clock
        self.rules = rules
        self.identity = identity
        self.requestGuard = requestGuard
        self.requirement = requirement
    }

    /// What is answered to the gateway.
    package enum Answer: Sendable {
        /// The request may pass, with these fields for the upstream.
        case allowed(identity: [(name: String, value: String)])
        /// It may not.
        case refused(Refusal)

        /// The status that the gateway gets.
        package var status: Int {
            switch self {
            case .allowed: 200
            case .refused(let refusal): refusal.httpStatus
            }
        }
    }

    /// What came of a question, and why, for operators.
    package struct Outcome: Sendable {
        package let answer: Answer
        /// The place of the rule that held; nil where none did.
        package let rule: String?
        /// Why the gateway itself refused; nil where the guard decided.
        package let detail: String?
        /// Whether no token was looked at.
        package var isOpen = false
    }

    /// The headers that upstreams get.
    var identityNames: [String] { identity.map(\.name) + (internalTokens.map { [$0.settings.header] } ?? []) }

    /// Decides about an original request.
    package func decide(_ request: OriginalRequest, _ credentials: RequestCredentials) async -> Outcome {
        switch look(request, credentials) {
        case .decided(let outcome): return outcome
        case .ask(let question):
            let decision =
                question.isOptional
                ? await requestGuard.authorizeIfPresent(question.credentials, requiring: question.requirement)
                : await requestGuard.authorize(question.credentials, requiring: question.requirement)
            return outcome(of: decision, by: question.rule)
        }
    }

    /// Decides about an original request if that takes no waiting for keys; nil where it does.
    package func outcomeAtHand(_ request: OriginalRequest, _ credentials: RequestCredentials) -> Outcome? {
        switch look(request, credentials) {
        case .decided(let outcome): return outcome
        case .ask(let question):
            return requestGuard.decisionAtHand(
                question.credentials,
                requiring: question.requirement,
                isOptional: question.isOptional
            ).map { outcome(of: $0, by: question.rule) }
        }
    }

    /// What the guard is asked about a request.
    private struct Question {
        let credentials: RequestCredentials
        let requirement: Requirement
        let isOptional: Bool
        let rule: AccessRule
    }

    private enum Look {
        case decided(Outcome)
        case ask(Question)
    }

    private func look(_ request: OriginalRequest, _ credentials: RequestCredentials) -> Look {
        guard let rule = rules.rule(for: request) else {
            return .decided(Self.refused(.insufficientScope, "no rule is about this request", rule: nil))
        }
        func ask(_ requirement: Requirement, isOptional: Bool) -> Look {
            .ask(
                Question(
                    credentials: seen(credentials, request),
                    requirement: both(requirement),
                    isOptional: isOptional,
                    rule: rule
                )
            )
        }
        switch rule.access {
        case .open:
            return .decided(
                Outcome(answer: .allowed(identity: []), rule: rule.place, detail: nil, isOpen: true)
            )
        case .denied:
            return .decided(Self.refused(.insufficientScope, "the rule lets nobody pass", rule: rule.place))
        case .optional(let requirement): return ask(requirement, isOptional: true)
        case .required(let requirement): return ask(requirement, isOptional: false)
        }
    }

    private func outcome(of decision: Decision, by rule: AccessRule) -> Outcome {
        switch decision {
        case .refused(let refusal): return Outcome(answer: .refused(refusal), rule: rule.place, detail: nil)
        case .anonymous: return Outcome(answer: .allowed(identity: []), rule: rule.place, detail: nil)
        case .authorized(let token):
            do throws(IdentityTooLarge) {
                return Outcome(answer: .allowed(identity: try fields(of: token)), rule: rule.place, detail: nil)
            } catch {
                return Outcome(
                    answer: .refused(requestGuard.refusal(.invalidClaim)),
                    rule: rule.place,
                    detail: "a claim is too large for an identity header"
                )
            }
        }
    }

    private func fields(of token: AccessToken) throws(IdentityTooLarge) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        for field in identity {
            if let value = try field.value(of: token) { fields.append((field.name, value)) }
        }
        guard let internalTokens else { return fields }
        guard let value = internalTokens.token(for: token, at: clock.time),
            value.utf8.count <= IdentityField.maximumBytes
        else { throw IdentityTooLarge() }
        return fields + [(internalTokens.settings.header, value)]
    }

    private func both(_ asked: Requirement) -> Requirement {
        requirement.isOpen ? asked : requirement.and(asked)
    }

    /// A token in the query is not read, but one beside the header is a second one to whoever does (RFC 6750 §2).
    private func seen(_ credentials: RequestCredentials, _ request: OriginalRequest) -> RequestCredentials {
        guard !credentials.authorization.isEmpty, request.target.hasParameter("access_token") else {
            return credentials
        }
        return RequestCredentials(authorization: credentials.authorization, otherTokens: ["?"])
    }

    /// A refusal of the gateway's own: no challenge, as no other token would help.
    package static func refused(_ code: RejectionCode, _ detail: String, rule: String?) -> Outcome {
        Outcome(
            answer: .refused(Refusal(code: code, challenges: [], retryAfter: nil)),
            rule: rule,
            detail: detail
        )
    }
}
#endif
