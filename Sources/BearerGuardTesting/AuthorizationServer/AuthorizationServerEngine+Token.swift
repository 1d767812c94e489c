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
        // Before anything is used up by the attempt.
        _ = try signingKey()
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
            return Self.answer(try issue(taken, client, &state, nonce: taken.grant.nonce))
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
            return Self.answer(try issue(taken, client, &state))
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
        return try state.withLock { state throws(OAuthError) in
            let grant = GrantStore.Grant(
                clientID: client.clientID,
                username: nil,
                scopes: scopes,
                audience: audience,
                nonce: nil,
                authenticatedAt: now,
                sessionID: RandomText.make()
            )
            return Self.answer(try issue(state.grants.add(grant), client, &state))
        }
    }

    private static func answer(_ members: [(String, JSONValue)]) -> AuthorizationServerResponse {
        AuthorizationServerResponse.json(.object(members)).adding("Pragma", "no-cache")
    }

    /// The members of an answer with tokens (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
    ///
    /// - Parameter nonce: of the request that a code answers; an ID token for a refresh has none (§12.2).
    func issue(
        _ taken: GrantStore.Taken,
        _ client: LocalAuthorizationServer.Client,
        _ state: inout State,
        nonce: String? = nil
    ) throws(OAuthError) -> [(String, JSONValue)] {
        let user = taken.grant.username.flatMap { state.users[$0] }
        let end = now + configuration.tokenLifetime
        let (accessToken, claims) = try accessToken(taken, user, end: end)
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
            let idToken = try idToken(taken, user, accessToken: accessToken, nonce: nonce, end: end)
            state.grants.note(idToken: idToken, of: taken)
            answer.append(("id_token", .string(idToken)))
        }
        return answer
    }

    private func accessToken(
        _ taken: GrantStore.Taken,
        _ user: LocalAuthorizationServer.User?,
        end: Int64
    ) throws(OAuthError) -> (token: String, claims: JSONValue) {
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
        return try sign(claims, type: shape.accessTokenType)
    }

    private func idToken(
        _ taken: GrantStore.Taken,
        _ user: LocalAuthorizationServer.User,
        accessToken: String,
        nonce: String?,
        end: Int64
    ) throws(OAuthError) -> String {
        let shape = configuration.accessTokens
        var claims: [String: JSONValue] = [
            "sub": .string(shape.subject(of: user)), "aud": .string(taken.grant.clientID),
            "auth_time": .integer(taken.grant.authenticatedAt), "sid": .string(taken.grant.sessionID),
        ]
        if let nonce { claims["nonce"] = .string(nonce) }
        // The digest is that of the signature's algorithm (OpenID Connect Core §3.1.3.6).
        if configuration.algorithms.first?.rawValue.hasSuffix("256") == true {
            claims["at_hash"] = .string(Base64URL.encode(SHA256.hash(accessToken.utf8).prefix(16)))
        }
        claims.merge(self.claims(about: user, scopes: taken.scopes)) { own, _ in own }
        claims.merge(shape.idTokenMarks(of: user)) { own, _ in own }
        claims.merge(times(end: end)) { own, _ in own }
        return try sign(claims, type: "JWT").token
    }

    private func times(end: Int64) -> [String: JSONValue] {
        ["iss": .string(issuer), "iat": .integer(now), "exp": .integer(end)]
    }

    private func sign(
        _ claims: [String: JSONValue],
        type: String?
    ) throws(OAuthError) -> (token: String, claims: JSONValue) {
        let claims = JSONValue.object(claims)
        let key = try signingKey()
        var header: [(String, JSONValue)] = [("alg", .string(key.algorithm.rawValue))]
        if let keyID = key.keyID { header.append(("kid", .string(keyID))) }
        if let type { header.append(("typ", .string(type))) }
        return (TestIssuer.sign(header: .object(header), claims: claims, with: key), claims)
    }

    /// Of the keys for the first algorithm the newest.
    private func signingKey() throws(OAuthError) -> SigningKey {
        guard let algorithm = configuration.algorithms.first, let key = keys.keys(algorithm).first else {
            throw OAuthError(.serverError, "every key was withdrawn: rotate to get a new one")
        }
        return key
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
            if let issued = state.grants.active(accessToken: token, now: now) {
                let grant = issued.grant
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

    /// `/userinfo` (OpenID Connect Core §5.3): protected by a bearer token like any resource (RFC 6750), which may be in the
    /// form of a POST (§2.2).
    func userinfo(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        func challenge(_ parameters: String, status: Int = 401) -> AuthorizationServerResponse {
            .status(status, fields: [("WWW-Authenticate", "Bearer realm=\"userinfo\"\(parameters)")])
        }
        let isForm = request.method == "POST" && request.isOfType("application/x-www-form-urlencoded")
        let inForm = isForm ? FormParameters(request.body)?.all("access_token") ?? [] : []
        let fields = request.values("authorization")
        guard fields.count + inForm.count <= 1 else { return challenge(", error=\"invalid_request\"", status: 400) }
        var token = inForm.first
        if let field = fields.first {
            let parts = field.split(separator: " ")
            // Another scheme is as good as none (RFC 6750 §3.1).
            guard parts.first?.lowercased() == "bearer" else { return challenge("") }
            guard parts.count == 2 else { return challenge(", error=\"invalid_request\"", status: 400) }
            token = String(parts[1])
        }
        guard let token else { return challenge("") }
        let now = now
        return state.withLock { state in
            guard let issued = state.grants.active(accessToken: token, now: now),
                let user = issued.grant.username.flatMap({ state.users[$0] }),
                let scopes = issued.claims.objectValue.flatMap({ Scopes(claims: $0) })?.values
            else { return challenge(", error=\"invalid_token\"") }
            guard scopes.containsExactly("openid") else {
                return challenge(", error=\"insufficient_scope\", scope=\"openid\"", status: 403)
            }
            var claims = claims(about: user, scopes: scopes)
            claims["sub"] = .string(configuration.accessTokens.subject(of: user))
            return .json(.object(claims))
        }
    }
}
#endif
