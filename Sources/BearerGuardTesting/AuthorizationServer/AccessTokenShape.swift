// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
public import BearerGuard

/// Whose access tokens a ``LocalAuthorizationServer`` imitates: each provider has its own names for the same things.
public enum AccessTokenShape: String, Sendable, CaseIterable {
    /// RFC 9068 to the letter.
    case rfc9068
    /// Okta's custom authorization servers: `scp`, `cid`, `uid`, `ver`.
    case okta
    /// Auth0's default profile: `azp`, `permissions`, an issuer that ends in a slash.
    case auth0
    /// Microsoft Entra ID, version 2.0: `scp` as one text, `azp`, `oid`, `tid`, `ver`.
    case entra
    /// Keycloak: `typ` Bearer in the claims, `realm_access`.
    case keycloak
    /// Amazon Cognito: no `aud`, `client_id` and `token_use` instead.
    case cognito

    /// What the guard must know of such tokens.
    public var preset: IssuerPreset {
        switch self {
        case .rfc9068: .standard
        case .okta: .okta
        case .auth0: .auth0
        case .entra: .entra
        case .keycloak: .keycloak
        case .cognito: .cognito
        }
    }

    /// What follows the address in the issuer, as the provider has it.
    var issuerPath: String {
        switch self {
        case .rfc9068: ""
        case .okta: "/oauth2/default"
        case .auth0: "/"
        case .entra: "/\(Self.tenant)/v2.0"
        case .keycloak: "/realms/local"
        case .cognito: "/local_pool"
        }
    }

    private static let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"

    /// What is said of whoever gets the token.
    struct Grant {
        let clientID: String
        /// Nil where a client acts for itself.
        let user: LocalAuthorizationServer.User?
        let scopes: [String]
        let audience: [String]
        /// When the user signed in, in seconds since 1970.
        let authenticatedAt: Int64
        /// Names the sign-in.
        let sessionID: String
    }

    /// The `typ` of the header; nil for none.
    var accessTokenType: String? {
        switch self {
        case .rfc9068: "at+jwt"
        case .okta, .cognito: nil
        case .auth0, .entra, .keycloak: "JWT"
        }
    }

    /// What the provider calls a user in every token and in userinfo, where it has a form of its own.
    func subject(of user: LocalAuthorizationServer.User) -> String {
        switch self {
        case .rfc9068, .entra, .keycloak, .cognito: user.subject
        case .okta: "00u\(user.subject)"
        case .auth0: "auth0|\(user.subject)"
        }
    }

    /// The claims of an access token beside `iss`, `iat` and `exp`.
    func claims(of grant: Grant, tokenID: String) -> [String: JSONValue] {
        let (client, user) = (grant.clientID, grant.user)
        let scope = JSONValue.string(grant.scopes.joined(separator: " "))
        let audience = grant.audience.count == 1 ? .string(grant.audience[0]) : texts(grant.audience)
        let subject = JSONValue.string(user.map { self.subject(of: $0) } ?? client)
        let roles = texts(user?.roles ?? [])
        let identifier = JSONValue.string(tokenID)
        let signedIn = user.map { _ in JSONValue.integer(grant.authenticatedAt) }
        var claims: [String: JSONValue?]
        switch self {
        case .rfc9068:
            claims = [
                "aud": audience, "sub": subject, "client_id": .string(client), "jti": identifier, "scope": scope,
                "auth_time": signedIn, "roles": user?.roles.isEmpty == false ? roles : nil,
            ]
        case .okta:
            claims = [
                "ver": 1, "jti": .string("AT.\(tokenID)"), "aud": audience, "cid": .string(client),
                "uid": user.map { _ in subject }, "scp": texts(grant.scopes), "auth_time": signedIn,
                // The one place where Okta has the user's name instead of the identifier, which is `uid`.
                "sub": .string(user?.email ?? user?.username ?? client),
                "groups": user?.roles.isEmpty == false ? roles : nil,
            ]
        case .auth0:
            claims = [
                "aud": audience, "sub": user == nil ? .string("\(client)@clients") : subject,
                "azp": .string(client), "scope": scope, "gty": user == nil ? "client-credentials" : nil,
                "permissions": user?.roles.isEmpty == false ? roles : nil,
            ]
        case .entra:
            claims = [
                "aud": audience, "sub": subject, "oid": subject, "tid": .string(Self.tenant), "azp": .string(client),
                "azpacr": "1", "uti": identifier, "ver": "2.0", "scp": user.map { _ in scope },
                "name": user.map { .string($0.name ?? $0.username) },
                "preferred_username": user.map { .string($0.email ?? $0.username) },
                // An application's own permissions are app roles; a user's scopes are not.
                "roles": user == nil ? texts(grant.scopes) : user?.roles.isEmpty == false ? roles : nil,
                "idtyp": user == nil ? "app" : nil,
            ]
        case .keycloak:
            claims = [
                "jti": identifier, "aud": audience, "sub": subject, "typ": "Bearer", "azp": .string(client),
                "sid": user.map { _ in .string(grant.sessionID) }, "acr": "1", "scope": scope, "auth_time": signedIn,
                "realm_access": ["roles": roles], "preferred_username": user.map { .string($0.username) },
                "email": user?.email.map { .string($0) },
            ]
        case .cognito:
            claims = [
                "sub": subject, "client_id": .string(client), "token_use": "access", "scope": scope,
                "jti": identifier, "origin_jti": user.map { _ in .string(grant.sessionID) }, "auth_time": signedIn,
                "username": user.map { .string($0.username) }, "version": 2,
                "cognito:groups": user?.roles.isEmpty == false ? roles : nil,
            ]
        }
        return claims.compactMapValues(\.self)
    }

    /// What marks an ID token of this provider.
    func idTokenMarks(of user: LocalAuthorizationServer.User) -> [String: JSONValue] {
        switch self {
        case .rfc9068, .auth0: [:]
        case .okta: ["ver": 1]
        case .entra: ["ver": "2.0", "tid": .string(Self.tenant), "oid": .string(subject(of: user))]
        case .keycloak: ["typ": "ID"]
        case .cognito: ["token_use": "id"]
        }
    }

    private func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}
#endif
