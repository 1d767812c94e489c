// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Tokens that the same issuer signs with the same keys and that are no access tokens (RFC 8725 §2.8, §3.12;
/// RFC 9068 §5).
package enum TokenKind: String, Sendable, CaseIterable {
    case idToken = "an ID token"
    case refreshToken = "a refresh token"
    case logoutToken = "a logout token"
    case securityEvent = "a security event token"
    case dpopProof = "a DPoP proof"
    case clientAssertion = "a client assertion"
    case requestObject = "an authorization request object"
    case introspectionResponse = "an introspection response"
    case userinfoOrOther = "a token of another type"

    /// What the `typ` header says, where it names another kind.
    package init?(normalizedType: String) {
        switch normalizedType {
        case "logout+jwt": self = .logoutToken
        case "secevent+jwt": self = .securityEvent
        case "dpop+jwt": self = .dpopProof
        case "client-authentication+jwt": self = .clientAssertion
        case "oauth-authz-req+jwt": self = .requestObject
        case "token-introspection+jwt": self = .introspectionResponse
        case "refresh", "rt+jwt", "refresh+jwt": self = .refreshToken
        case "id_token", "id+jwt", "it+jwt": self = .idToken
        default: return nil
        }
    }

    /// What a claim says outright: markers that vendors put into every token they sign.
    package static func marked(_ claims: JSONObject) -> TokenKind? {
        // Keycloak: payload typ; Cognito: token_use; Glewlwyd: type.
        for name in markers {
            guard let marker = claims[name]?.stringValue.map(MediaType.normalized) else { continue }
            switch marker {
            case "id", "id_token": return .idToken
            case "refresh", "refresh_token", "offline": return .refreshToken
            case "logout": return .logoutToken
            default: continue
            }
        }
        return nil
    }

    private static let markers = ["typ", "token_use", "type", "token_type"]

    /// What the shape gives away where no type is stated.
    ///
    /// Members that only another kind has.
    package static func shaped(_ claims: JSONObject) -> TokenKind? {
        if claims.has("events") { return .securityEvent }
        if claims.has("htm"), claims.has("htu") { return .dpopProof }
        if claims.has("token_introspection") { return .introspectionResponse }
        if claims.has("response_type"), claims.has("redirect_uri") { return .requestObject }
        if claims.has("at_hash") || claims.has("c_hash") || claims.has("s_hash") { return .idToken }
        // Keycloak before 25 copied the nonce into access tokens, which it marks as Bearer.
        if claims.has("nonce"), claims["typ"]?.stringValue != "Bearer" { return .idToken }
        // RFC 7523 §3: a client speaks of itself.
        if let subject = claims["sub"]?.stringValue, claims.hasText(subject, at: "iss") { return .clientAssertion }
        return nil
    }
}
