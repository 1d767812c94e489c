// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Which kinds of token a policy takes, by `typ` and by shape (RFC 8725 §3.11).
public struct AcceptedTokens: Sendable, Hashable {
    enum Rule: Hashable {
        case accessToken
        case rfc9068
        case types([String])
        case unchecked
    }

    let rule: Rule

    /// Access tokens as issuers really send them: `typ` absent, `JWT` or `at+jwt`, and not the shape of an ID token,
    /// refresh token, logout token, DPoP proof or client assertion.
    public static let accessToken = AcceptedTokens(rule: .accessToken)

    /// RFC 9068 to the letter: `typ` is `at+jwt`, and iss, exp, aud, sub, client_id, iat and jti are all there.
    public static let rfc9068 = AcceptedTokens(rule: .rfc9068)

    /// Tokens whose `typ` is one of these media types, with or without `application/`, in any case.
    public static func types(_ types: [String]) -> AcceptedTokens { AcceptedTokens(rule: .types(types)) }

    /// Any `typ` and shape.
    ///
    /// For test vectors and inspection; a server that used it would take ID tokens for access.
    package static let uncheckedType = AcceptedTokens(rule: .unchecked)

    /// Claims that the kind demands beyond the policy's own.
    var requiredClaims: [String] { rule == .rfc9068 ? ["sub", "client_id", "iat", "jti"] : [] }

    /// The reason to refuse a token with this media type and these claims, if there is one.
    func rejection(mediaType normalized: String?, claims: JSONObject, vendorTypes: [String]) -> Rejection? {
        if rule == .unchecked { return nil }
        if let kind = TokenKind.marked(claims) { return Rejection(.wrongType, "\(kind.rawValue), by its own marker") }
        let isAccessToken = normalized == "at+jwt"
        let isPlain = normalized == nil || isAccessToken || normalized == "jwt"
        if !isPlain, let normalized, let kind = TokenKind(normalizedType: normalized) {
            return Rejection(.wrongType, "\(kind.rawValue), by typ")
        }
        switch rule {
        case .accessToken:
            guard isPlain || normalized.map(vendorTypes.contains) == true else {
                return Rejection(.wrongType, "typ is not that of an access token")
            }
        case .rfc9068:
            guard isAccessToken else { return Rejection(.wrongType, "typ is not at+jwt") }
        case .types(let types):
            guard let normalized, types.contains(where: { MediaType.normalized($0).isExactly(normalized) }) else {
                return Rejection(.wrongType, "typ is not one of those required")
            }
        case .unchecked: break
        }
        // `at+jwt` states under the signature what the shape could only suggest.
        if !isAccessToken, let kind = TokenKind.shaped(claims) {
            return Rejection(.wrongType, "\(kind.rawValue), by its claims")
        }
        return nil
    }
}
