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
        guard let rule = rules.rule(for: request) else {
            return Self.refused(.insufficientScope, "no rule is about this request", rule: nil)
        }
        let decision: Decision
        switch rule.access {
        case .open:
            return Outcome(answer: .allowed(identity: []), rule: rule.place, detail: nil, isOpen: true)
        case .denied: return Self.refused(.insufficientScope, "the rule lets nobody pass", rule: rule.place)
        case .optional(let requirement):
            decision = await requestGuard.authorizeIfPresent(
                seen(credentials, request),
                requiring: both(requirement)
            )
        case .required(let requirement):
            decision = await requestGuard.authorize(seen(credentials, request), requiring: both(requirement))
        }
        switch decision {
        case .refused(let refusal): return Outcome(answer: .refused(refusal), rule: rule.place, detail: nil)
        case .anonymous: return Outcome(answer: .allowed(identity: []), rule: rule.place, detail: nil)
        case .authorized(let token):
            do throws(IdentityTooLarge) {
                var fields: [(name: String, value: String)] = []
                for field in identity {
                    if let value = try field.value(of: token) { fields.append((field.name, value)) }
                }
                if let internalTokens {
                    guard let value = internalTokens.token(for: token, at: clock.time),
                        value.utf8.count <= IdentityField.maximumBytes
                    else { throw IdentityTooLarge() }
                    fields.append((internalTokens.settings.header, value))
                }
                return Outcome(answer: .allowed(identity: fields), rule: rule.place, detail: nil)
            } catch {
                return Self.refused(.invalidClaim, "a claim is too large for an identity header", rule: rule.place)
            }
        }
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
