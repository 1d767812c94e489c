// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The closed list of reasons why a request or token is refused.
///
/// Errors, challenges, events, the command line and the documentation all read it from here.
public struct RejectionCode: Sendable, Hashable, CustomStringConvertible, CaseIterable {
    private enum Code: String, CaseIterable {
        case missingToken = "missing_token"
        case multipleTokens = "multiple_tokens"
        case invalidRequest = "invalid_request"
        case tooLarge = "too_large"
        case malformed
        case criticalHeader = "critical_header"
        case unsupportedAlgorithm = "unsupported_alg"
        case wrongIssuer = "wrong_issuer"
        case unknownKey = "unknown_key"
        case ambiguousKey = "ambiguous_key"
        case algorithmMismatch = "alg_mismatch"
        case invalidKey = "invalid_key"
        case weakKey = "weak_key"
        case badSignature = "bad_signature"
        case wrongType = "wrong_type"
        case missingClaim = "missing_claim"
        case invalidClaim = "invalid_claim"
        case wrongAudience = "wrong_audience"
        case expired
        case notYetValid = "not_yet_valid"
        case issuedInFuture = "issued_in_future"
        case revoked
        case inactive
        case confirmationMismatch = "cnf_mismatch"
        case dpopMissing = "dpop_missing"
        case dpopInvalid = "dpop_invalid"
        case dpopReplayed = "dpop_replayed"
        case dpopNonceRequired = "dpop_nonce_required"
        case insufficientAuthentication = "insufficient_authentication"
        case insufficientScope = "insufficient_scope"
        case keysUnavailable = "keys_unavailable"
    }

    private let code: Code

    private init(_ code: Code) { self.code = code }

    /// The code with this stable text, if there is one.
    public init?(_ text: String) {
        guard let code = Code(rawValue: text) else { return nil }
        self.code = code
    }

    /// Every code, in the order in which checks are made.
    public static var allCases: [RejectionCode] { Code.allCases.map(RejectionCode.init) }

    /// The stable text: never changes, fit for logs, metrics and programs.
    public var text: String { code.rawValue }

    /// The stable text.
    public var description: String { text }

    /// No credential was sent.
    public static var missingToken: RejectionCode { RejectionCode(.missingToken) }
    /// More than one credential was sent.
    public static var multipleTokens: RejectionCode { RejectionCode(.multipleTokens) }
    /// The Authorization field is not `Bearer` and a token.
    public static var invalidRequest: RejectionCode { RejectionCode(.invalidRequest) }
    /// The token is over its byte limit.
    public static var tooLarge: RejectionCode { RejectionCode(.tooLarge) }
    /// The token is not a compact JWS with JSON inside.
    public static var malformed: RejectionCode { RejectionCode(.malformed) }
    /// The header demands an extension.
    public static var criticalHeader: RejectionCode { RejectionCode(.criticalHeader) }
    /// The algorithm is missing, unknown or not allowed.
    public static var unsupportedAlgorithm: RejectionCode { RejectionCode(.unsupportedAlgorithm) }
    /// The issuer is not the configured one.
    public static var wrongIssuer: RejectionCode { RejectionCode(.wrongIssuer) }
    /// No key has the token's `kid`, and the set is fresh enough to know that.
    public static var unknownKey: RejectionCode { RejectionCode(.unknownKey) }
    /// Several keys could be meant.
    public static var ambiguousKey: RejectionCode { RejectionCode(.ambiguousKey) }
    /// The algorithm does not fit the key.
    public static var algorithmMismatch: RejectionCode { RejectionCode(.algorithmMismatch) }
    /// The named key cannot be used.
    public static var invalidKey: RejectionCode { RejectionCode(.invalidKey) }
    /// The named key is too weak.
    public static var weakKey: RejectionCode { RejectionCode(.weakKey) }
    /// The signature does not hold.
    public static var badSignature: RejectionCode { RejectionCode(.badSignature) }
    /// The token is of another kind.
    public static var wrongType: RejectionCode { RejectionCode(.wrongType) }
    /// A required claim is absent.
    public static var missingClaim: RejectionCode { RejectionCode(.missingClaim) }
    /// A claim has the wrong JSON type or range.
    public static var invalidClaim: RejectionCode { RejectionCode(.invalidClaim) }
    /// The token is for somebody else.
    public static var wrongAudience: RejectionCode { RejectionCode(.wrongAudience) }
    /// The token has ended.
    public static var expired: RejectionCode { RejectionCode(.expired) }
    /// The token has not begun.
    public static var notYetValid: RejectionCode { RejectionCode(.notYetValid) }
    /// The token was issued in the future.
    public static var issuedInFuture: RejectionCode { RejectionCode(.issuedInFuture) }
    /// The token is on a denylist.
    public static var revoked: RejectionCode { RejectionCode(.revoked) }
    /// Introspection said that the token is inactive.
    public static var inactive: RejectionCode { RejectionCode(.inactive) }
    /// The token is bound to a certificate or key that was not shown.
    public static var confirmationMismatch: RejectionCode { RejectionCode(.confirmationMismatch) }
    /// The token is bound to a DPoP key and came without proof.
    public static var dpopMissing: RejectionCode { RejectionCode(.dpopMissing) }
    /// The DPoP proof does not hold.
    public static var dpopInvalid: RejectionCode { RejectionCode(.dpopInvalid) }
    /// The DPoP proof was used before.
    public static var dpopReplayed: RejectionCode { RejectionCode(.dpopReplayed) }
    /// The DPoP proof needs the server's nonce.
    public static var dpopNonceRequired: RejectionCode { RejectionCode(.dpopNonceRequired) }
    /// The user must authenticate more strongly or again (RFC 9470).
    public static var insufficientAuthentication: RejectionCode { RejectionCode(.insufficientAuthentication) }
    /// The token is good and does not grant what the route requires.
    public static var insufficientScope: RejectionCode { RejectionCode(.insufficientScope) }
    /// There is no usable key set.
    public static var keysUnavailable: RejectionCode { RejectionCode(.keysUnavailable) }

    /// The HTTP status of the answer.
    public var httpStatus: Int {
        switch code {
        case .multipleTokens, .invalidRequest: 400
        case .insufficientScope: 403
        case .keysUnavailable: 503
        default: 401
        }
    }

    /// The `error` of the challenge (RFC 6750 §3.1); nil for a bare challenge or none.
    public var oauthError: String? {
        switch code {
        case .missingToken, .keysUnavailable: nil
        case .multipleTokens, .invalidRequest: "invalid_request"
        case .insufficientScope: "insufficient_scope"
        case .insufficientAuthentication: "insufficient_user_authentication"
        case .dpopInvalid, .dpopReplayed: "invalid_dpop_proof"
        case .dpopNonceRequired: "use_dpop_nonce"
        default: "invalid_token"
        }
    }

    /// The fixed `error_description`: ASCII, tells a caller what class of thing is wrong and nothing of what was sent
    /// or expected.
    public var challengeDescription: String {
        switch code {
        case .missingToken: "No access token was sent"
        case .multipleTokens: "More than one access token was sent"
        case .invalidRequest: "The Authorization header is not a bearer token"
        case .tooLarge: "The access token is too large"
        case .malformed, .criticalHeader: "The access token is malformed"
        case .unsupportedAlgorithm, .unknownKey, .ambiguousKey, .algorithmMismatch, .invalidKey, .weakKey,
            .badSignature, .wrongIssuer:
            "The access token cannot be verified"
        case .wrongType: "The token is not an access token for this API"
        case .missingClaim, .invalidClaim: "The access token lacks a required claim"
        case .wrongAudience: "The access token is for another audience"
        case .expired: "The access token expired"
        case .notYetValid, .issuedInFuture: "The access token is not valid yet"
        case .revoked, .inactive: "The access token was revoked"
        case .confirmationMismatch: "The access token is bound to another client"
        case .dpopMissing: "The access token needs a DPoP proof"
        case .dpopInvalid, .dpopReplayed: "The DPoP proof is not valid"
        case .dpopNonceRequired: "The DPoP proof needs a nonce"
        case .insufficientAuthentication: "A stronger or newer authentication is required"
        case .insufficientScope: "The access token does not grant what is required"
        case .keysUnavailable: "The keys of the issuer are not available"
        }
    }
}
