// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

/// What clients ask directly.
extension AuthorizationServerEngine {
    /// `/token` (RFC 6749 §3.2).
    func token(_ request: AuthorizationServerRequest) throws(OAuthError) -> AuthorizationServerResponse {
        let (form, client) = try authenticatedForm(request)
        guard let name = form["grant_type"] else { throw OAuthError(.invalidRequest, "grant_type is missing") }
        guard let type = LocalAuthorizationServer.Client.GrantType(rawValue: name) else {
            throw OAuthError(.unsupportedGrantType, "no such grant_type here")
        }
        guard client.grantTypes.contains(type) else {
            throw OAuthError(.unauthorizedClient, "the client may not use this grant_type")
        }
        switch type {
        case .authorizationCode: return try redeemCode(form, client)
        case .refreshToken: return try refresh(form, client)
        case .clientCredentials: return try credentials(form, client)
        }
    }

    private func redeemCode(
        _ form: FormParameters,
        _ client: LocalAuthorizationServer.Client
    ) throws(OAuthError) -> AuthorizationServerResponse {
        guard let code = form["code"] else { throw OAuthError(.invalidRequest, "code is missing") }
        let now = now
        return try state.withLock { state throws(OAuthError) in
            let taken = try state.grants.redeem(
                code: code,
                clientID: client.clientID,
                redirectURI: form["redirect_uri"],
                verifier: form["code_verifier"],
                resources: form.all("resource"),
                now: now
            )
            return Self.answer(issue(taken, client, &state))
        }
    }

    private func refresh(
        _ form: FormParameters,
        _ client: LocalAuthorizationServer.Client
    ) throws(OAuthError) -> AuthorizationServerResponse {
        guard let token = form["refresh_token"] else {
            throw OAuthError(.invalidRequest, "refresh_token is missing")
        }
        let now = now
        return try state.withLock { state throws(OAuthError) in
            let taken = try state.grants.redeem(
                refreshToken: token,
                clientID: client.clientID,
                scopes: form["scope"].map { Scopes($0.split(separator: " ").map(String.init)).values },
                resources: form.all("resource"),
                now: now
            )
            return Self.answer(issue(taken, client, &state))
        }
    }

    private func credentials(
        _ form: FormParameters,
        _ client: LocalAuthorizationServer.Client
    ) throws(OAuthError) -> AuthorizationServerResponse {
        guard !client.isPublic else {
            throw OAuthError(.unauthorizedClient, "a public client has no credentials")
        }
        let scopes = try AuthorizationRequest.scopes(form["scope"], client, configuration)
        guard !scopes.contains(where: LocalAuthorizationServer.Configuration.openIDScopes.containsExactly) else {
            throw OAuthError(.invalidScope, "scopes of OpenID Connect are about a user")
        }
        let audience = try AuthorizationRequest.audience(form.all("resource"), configuration)
        let now = now
        return state.withLock { state in
            let grant = GrantStore.Grant(
                clientID: client.clientID,
                username: nil,
                scopes: scopes,
                audience: audience,
                nonce: nil,
                authenticatedAt: now,
                sessionID: RandomText.make()
            )
            return Self.answer(issue(state.grants.add(grant), client, &state))
        }
    }

    private static func answer(_ members: [(String, JSONValue)]) -> AuthorizationServerResponse {
        AuthorizationServerResponse.json(.object(members)).adding("Pragma", "no-cache")
    }

    /// The members of an answer with tokens (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
    func issue(
        _ taken: GrantStore.Taken,
        _ client: LocalAuthorizationServer.Client,
        _ state: inout State
    ) -> [(String, JSONValue)] {
        let user = taken.grant.username.flatMap { state.users[$0] }
        let end = now + configuration.tokenLifetime
        let (accessToken, claims) = accessToken(taken, user, end: end)
        state.grants.note(accessToken: accessToken, claims, of: taken, end: end)
        var answer: [(String, JSONValue)] = [
            ("access_token", .string(accessToken)), ("token_type", "Bearer"),
            ("expires_in", .integer(configuration.tokenLifetime)),
            ("scope", .string(taken.scopes.joined(separator: " "))),
        ]
        // On request (OpenID Connect Core §11), and again in place of the one that was used.
        if taken.grant.scopes.containsExactly("offline_access"), client.grantTypes.contains(.refreshToken) {
            let token = state.grants.refreshToken(for: taken, end: now + configuration.refreshTokenLifetime)
            answer.append(("refresh_token", .string(token)))
        }
        if let user, taken.scopes.containsExactly("openid") {
            let (idToken, claims) = idToken(taken, user, accessToken: accessToken, end: end)
            state.grants.note(idToken: idToken, claims, of: taken, end: end)
            answer.append(("id_token", .string(idToken)))
        }
        return answer
    }

    private func accessToken(
        _ taken: GrantStore.Taken,
        _ user: LocalAuthorizationServer.User?,
        end: Int64
    ) -> (token: String, claims: JSONValue) {
        let shape = configuration.accessTokens
        var claims = shape.claims(
            of: .init(
                clientID: taken.grant.clientID,
                user: user,
                scopes: taken.scopes,
                audience: taken.audience,
                authenticatedAt: taken.grant.authenticatedAt,
                sessionID: taken.grant.sessionID
            ),
            tokenID: RandomText.make()
        )
        claims.merge(times(end: end)) { own, _ in own }
        return sign(claims, type: shape.accessTokenType)
    }

    private func idToken(
        _ taken: GrantStore.Taken,
        _ user: LocalAuthorizationServer.User,
        accessToken: String,
        end: Int64
    ) -> (token: String, claims: JSONValue) {
        var claims: [String: JSONValue] = [
            "sub": .string(user.subject), "aud": .string(taken.grant.clientID),
            "auth_time": .integer(taken.grant.authenticatedAt), "sid": .string(taken.grant.sessionID),
        ]
        if let nonce = taken.grant.nonce { claims["nonce"] = .string(nonce) }
        // The digest is that of the signature's algorithm (OpenID Connect Core §3.1.3.6).
        if configuration.algorithms.first?.rawValue.hasSuffix("256") == true {
            claims["at_hash"] = .string(Base64URL.encode(SHA256.hash(accessToken.utf8).prefix(16)))
        }
        claims.merge(self.claims(about: user, scopes: taken.scopes)) { own, _ in own }
        claims.merge(configuration.accessTokens.idTokenMarks) { own, _ in own }
        claims.merge(times(end: end)) { own, _ in own }
        return sign(claims, type: "JWT")
    }

    private func times(end: Int64) -> [String: JSONValue] {
        ["iss": .string(issuer), "iat": .integer(now), "exp": .integer(end)]
    }

    private func sign(_ claims: [String: JSONValue], type: String?) -> (token: String, claims: JSONValue) {
        let claims = JSONValue.object(claims)
        // Of the keys for the first algorithm the newest; there is none only where a test withdrew them all.
        guard let algorithm = configuration.algorithms.first, let key = keys.signingKey(algorithm) else {
            return ("", claims)
        }
        var header: [(String, JSONValue)] = [("alg", .string(algorithm.rawValue))]
        if let keyID = key.keyID { header.append(("kid", .string(keyID))) }
        if let type { header.append(("typ", .string(type))) }
        return (TestIssuer.sign(header: .object(header), claims: claims, with: key), claims)
    }

    /// Claims about a user that scopes ask for (OpenID Connect Core §5.4).
    private func claims(
        about user: LocalAuthorizationServer.User,
        scopes: [String]
    ) -> [String: JSONValue] {
        var claims: [String: JSONValue] = [:]
        if scopes.containsExactly("profile") {
            claims["name"] = .string(user.name ?? user.username)
            claims["preferred_username"] = .string(user.username)
        }
        if scopes.containsExactly("email"), let email = user.email {
            claims["email"] = .string(email)
            claims["email_verified"] = true
        }
        return claims
    }

    /// `/introspect` (RFC 7662 §2).
    func introspect(_ request: AuthorizationServerRequest) throws(OAuthError) -> AuthorizationServerResponse {
        let (form, client) = try authenticatedForm(request)
        guard !client.isPublic else {
            throw OAuthError(.invalidClient, "whoever asks about tokens must authenticate")
        }
        guard let token = form["token"] else { throw OAuthError(.invalidRequest, "token is missing") }
        let now = now
        return state.withLock { state in
            if let (issued, grant) = state.grants.active(accessToken: token, now: now) {
                var members: [(String, JSONValue)] = [
                    ("active", true), ("token_type", "Bearer"), ("client_id", .string(grant.clientID)),
                ]
                if let username = grant.username { members.append(("username", .string(username))) }
                let stated = issued.claims.objectValue
                for name in ["iss", "sub", "aud", "scope", "iat", "exp", "jti"] {
                    if let value = stated?[name] { members.append((name, value)) }
                }
                if stated?["scope"] == nil, let scopes = stated.flatMap({ Scopes(claims: $0) })?.values {
                    members.append(("scope", .string(scopes.joined(separator: " "))))
                }
                return .json(.object(members))
            }
            if let (end, grant) = state.grants.active(refreshToken: token, now: now) {
                return .json([
                    "active": true, "client_id": .string(grant.clientID), "username": .string(grant.username ?? ""),
                    "scope": .string(grant.scopes.joined(separator: " ")), "exp": .integer(end),
                    "iss": .string(issuer),
                ])
            }
            return .json(["active": false])
        }
    }

    /// `/revoke` (RFC 7009 §2).
    func revoke(_ request: AuthorizationServerRequest) throws(OAuthError) -> AuthorizationServerResponse {
        let (form, client) = try authenticatedForm(request)
        guard let token = form["token"] else { throw OAuthError(.invalidRequest, "token is missing") }
        try state.withLock { state throws(OAuthError) in try state.grants.revoke(token, clientID: client.clientID) }
        return .status(200)
    }

    /// `/userinfo` (OpenID Connect Core §5.3): protected by a bearer token like any resource (RFC 6750).
    func userinfo(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        func challenge(_ parameters: String, status: Int = 401) -> AuthorizationServerResponse {
            .status(status, fields: [("WWW-Authenticate", "Bearer realm=\"userinfo\"\(parameters)")])
        }
        let fields = request.values("authorization")
        guard let field = fields.first else { return challenge("") }
        let parts = field.split(separator: " ")
        guard fields.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else {
            return challenge(", error=\"invalid_request\"", status: 400)
        }
        let now = now
        return state.withLock { state in
            guard let (issued, grant) = state.grants.active(accessToken: String(parts[1]), now: now),
                let user = grant.username.flatMap({ state.users[$0] }),
                let scopes = issued.claims.objectValue.flatMap({ Scopes(claims: $0) })?.values
            else { return challenge(", error=\"invalid_token\"") }
            guard scopes.containsExactly("openid") else {
                return challenge(", error=\"insufficient_scope\", scope=\"openid\"", status: 403)
            }
            var claims = claims(about: user, scopes: scopes)
            claims["sub"] = .string(user.subject)
            return .json(.object(claims))
        }
    }
}
#endif
