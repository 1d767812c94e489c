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
        guard claims.hasAny(of: anyMarker) else { return nil }
        for member in markers {
            guard let marker = claims[member]?.stringValue.map(MediaType.normalized) else { continue }
            switch marker {
            case "id", "id_token": return .idToken
            case "refresh", "refresh_token", "offline": return .refreshToken
            case "logout": return .logoutToken
            default: continue
            }
        }
        return nil
    }

    private static let markers: [TokenMember] = [.type, .tokenUse, .plainType, .tokenType]
    private static let anyMarker = TokenMembers(.type, .tokenUse, .plainType, .tokenType)

    /// What the shape gives away where no type is stated.
    ///
    /// Members that only another kind has.
    package static func shaped(_ claims: JSONObject) -> TokenKind? {
        // RFC 7523 §3: a client speaks of itself.
        if claims.haveSameText(.subject, .issuer) { return .clientAssertion }
        guard claims.hasAny(of: anyTelltale) else { return nil }
        if claims.has(.events) { return .securityEvent }
        if claims.has(.httpMethod), claims.has(.httpTarget) { return .dpopProof }
        if claims.has(.introspection) { return .introspectionResponse }
        if claims.has(.responseType), claims.has(.redirectURI) { return .requestObject }
        if claims.has(.accessTokenHash) || claims.has(.codeHash) || claims.has(.stateHash) { return .idToken }
        // Keycloak before 25 copied the nonce into access tokens, which it marks as Bearer.
        if claims.has(.nonce), claims[.type]?.stringValue != "Bearer" { return .idToken }
        return nil
    }

    private static let anyTelltale = TokenMembers(
        .events,
        .httpMethod,
        .introspection,
        .responseType,
        .accessTokenHash,
        .codeHash,
        .stateHash,
        .nonce
    )
}
