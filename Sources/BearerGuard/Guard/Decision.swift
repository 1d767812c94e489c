// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The answer of a guard.
///
/// There is no other outcome: no error to forget, no partial result.
public enum Decision: Sendable {
    /// A valid token that meets the requirement.
    case authorized(AccessToken)
    /// No credential on a route where it is optional.
    case anonymous
    /// Answer with this.
    case refused(Refusal)

    /// The token of an authorized request.
    public var accessToken: AccessToken? {
        guard case .authorized(let token) = self else { return nil }
        return token
    }

    /// The refusal of a request that must not go on.
    public var refusal: Refusal? {
        guard case .refused(let refusal) = self else { return nil }
        return refusal
    }
}

/// What to answer to a request that is refused.
public struct Refusal: Sendable, Hashable {
    /// The reason.
    public let code: RejectionCode
    /// For `WWW-Authenticate`, one field each; empty for 503.
    public let challenges: [Challenge]
    /// Seconds for `Retry-After`; nil where trying again does not help.
    public let retryAfter: Int?

    package init(code: RejectionCode, challenges: [Challenge], retryAfter: Int?) {
        self.code = code
        self.challenges = challenges
        self.retryAfter = retryAfter
    }

    /// The HTTP status: 400, 401, 403 or 503.
    public var httpStatus: Int { code.httpStatus }

    /// The header fields of the answer.
    public var headerFields: [(name: String, value: String)] {
        challenges.map { ("WWW-Authenticate", $0.headerValue) }
            + (retryAfter.map { [("Retry-After", String($0))] } ?? [])
    }
}
