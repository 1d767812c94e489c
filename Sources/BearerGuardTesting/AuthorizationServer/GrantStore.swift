// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// What was granted, and the codes and tokens that stand for it.
///
/// A grant is a family: a code or refresh token that comes twice ends all of it (RFC 6749 §4.1.2, RFC 9700 §4.14).
struct GrantStore: Sendable {
    /// What a user, or a client for itself, allowed a client.
    struct Grant: Sendable {
        let clientID: String
        /// Nil where a client acts for itself.
        let username: String?
        let scopes: [String]
        let audience: [String]
        let nonce: String?
        let authenticatedAt: Int64
        let sessionID: String
    }

    /// A grant and what of it a request takes.
    struct Taken: Sendable {
        /// Names the family.
        let number: Int
        let grant: Grant
        let scopes: [String]
        let audience: [String]
    }

    private struct Code: Sendable {
        let family: Int
        let grant: Grant
        let redirectURI: String
        let challenge: String?
        let end: Int64
        var isUsed = false
    }

    private struct RefreshToken: Sendable {
        let family: Int
        let grant: Grant
        let end: Int64
        var isUsed = false
    }

    /// An access token as it was given out.
    struct IssuedToken: Sendable {
        let family: Int
        let grant: Grant
        let claims: JSONValue
        let end: Int64
    }

    private var families = 0
    private var ended: Set<Int> = []
    private var codes = Recent<Code>()
    private var refreshTokens = Recent<RefreshToken>()
    private var accessTokens = Recent<IssuedToken>()
    private var idTokens = Recent<Grant>()

    /// Begins a family.
    mutating func add(_ grant: Grant) -> Taken {
        families += 1
        return Taken(number: families, grant: grant, scopes: grant.scopes, audience: grant.audience)
    }

    /// A code for a grant.
    mutating func code(for grant: Taken, redirectURI: String, challenge: String?, end: Int64) -> String {
        let code = RandomText.make()
        codes[code] = Code(
            family: grant.number,
            grant: grant.grant,
            redirectURI: redirectURI,
            challenge: challenge,
            end: end
        )
        return code
    }

    /// Takes what a code stands for: once, and only with all that it was given out for.
    mutating func redeem(
        code text: String,
        clientID: String,
        redirectURI: String?,
        verifier: String?,
        resources: [String],
        now: Int64
    ) throws(OAuthError) -> Taken {
        guard var code = codes[text] else { throw OAuthError(.invalidGrant, "the code is not known") }
        guard !code.isUsed else {
            ended.insert(code.family)
            throw OAuthError(.invalidGrant, "the code was used before; what it gave is withdrawn")
        }
        let grant = code.grant
        // Whatever comes of it: a code is good for one attempt.
        code.isUsed = true
        codes[text] = code
        guard grant.clientID.isExactly(clientID) else {
            throw OAuthError(.invalidGrant, "the code is another client's")
        }
        guard !ended.contains(code.family) else {
            throw OAuthError(.invalidGrant, "what the code stands for was withdrawn")
        }
        guard now < code.end else { throw OAuthError(.invalidGrant, "the code has ended") }
        guard redirectURI?.isExactly(code.redirectURI) == true else {
            throw OAuthError(.invalidGrant, "redirect_uri is not the one that the code was asked for with")
        }
        switch (code.challenge, verifier) {
        case (nil, nil): break
        case (nil, _?): throw OAuthError(.invalidGrant, "a code_verifier, but the code has no challenge")
        case (_?, nil): throw OAuthError(.invalidGrant, "code_verifier is missing")
        case (let challenge?, let verifier?):
            guard ProofKey.matches(verifier, challenge) else {
                throw OAuthError(.invalidGrant, "code_verifier does not match the challenge")
            }
        }
        let audience = try Self.narrowed(grant.audience, to: resources)
        return Taken(number: code.family, grant: grant, scopes: grant.scopes, audience: audience)
    }

    /// A refresh token for a grant.
    mutating func refreshToken(for grant: Taken, end: Int64) -> String {
        let token = RandomText.make()
        refreshTokens[token] = RefreshToken(family: grant.number, grant: grant.grant, end: end)
        return token
    }

    /// Takes what a refresh token stands for: once, after which its successor does.
    mutating func redeem(
        refreshToken text: String,
        clientID: String,
        scopes: [String]?,
        resources: [String],
        now: Int64
    ) throws(OAuthError) -> Taken {
        guard var token = refreshTokens[text], token.grant.clientID.isExactly(clientID) else {
            throw OAuthError(.invalidGrant, "the refresh token is not known, or another client's")
        }
        let grant = token.grant
        guard !ended.contains(token.family) else {
            throw OAuthError(.invalidGrant, "what the refresh token stands for was withdrawn")
        }
        guard !token.isUsed else {
            ended.insert(token.family)
            throw OAuthError(.invalidGrant, "the refresh token was used before: all that came of it is withdrawn")
        }
        guard now < token.end else { throw OAuthError(.invalidGrant, "the refresh token has ended") }
        let narrowed = scopes ?? grant.scopes
        guard !narrowed.isEmpty, narrowed.allSatisfy(grant.scopes.containsExactly) else {
            throw OAuthError(.invalidScope, "nothing, or more than was granted")
        }
        let audience = try Self.narrowed(grant.audience, to: resources)
        token.isUsed = true
        refreshTokens[text] = token
        return Taken(number: token.family, grant: grant, scopes: narrowed, audience: audience)
    }

    private static func narrowed(_ audience: [String], to resources: [String]) throws(OAuthError) -> [String] {
        guard resources.allSatisfy(audience.containsExactly) else {
            throw OAuthError(.invalidTarget, "resource is not one that was granted")
        }
        return resources.isEmpty ? audience : resources.withoutRepetitions
    }

    /// Notes an access token.
    mutating func note(accessToken: String, _ claims: JSONValue, of grant: Taken, end: Int64) {
        accessTokens[accessToken] = IssuedToken(family: grant.number, grant: grant.grant, claims: claims, end: end)
    }

    /// Notes an ID token, so that it can name a session that ends.
    mutating func note(idToken: String, of grant: Taken) {
        idTokens[idToken] = grant.grant
    }

    /// The grant of an ID token that was given out here, ended or not.
    func grant(ofIDToken token: String) -> Grant? { idTokens[token] }

    /// An access token that is good at this moment.
    func active(accessToken: String, now: Int64) -> IssuedToken? {
        guard let token = accessTokens[accessToken], now < token.end, !ended.contains(token.family) else { return nil }
        return token
    }

    /// The end and grant of a refresh token that is good at this moment.
    func active(refreshToken: String, now: Int64) -> (end: Int64, grant: Grant)? {
        guard let token = refreshTokens[refreshToken], !token.isUsed, now < token.end, !ended.contains(token.family)
        else { return nil }
        return (token.end, token.grant)
    }

    /// Withdraws a token (RFC 7009 §2.1): a refresh token with its whole family, an access token alone.
    ///
    /// - Throws: where it is another client's.
    mutating func revoke(_ token: String, clientID: String) throws(OAuthError) {
        let refreshToken = refreshTokens[token]
        // One that is not known is as good as withdrawn (RFC 7009 §2.2).
        guard let grant = refreshToken?.grant ?? accessTokens[token]?.grant else { return }
        guard grant.clientID.isExactly(clientID) else {
            throw OAuthError(.unauthorizedClient, "the token is another client's")
        }
        if let refreshToken { ended.insert(refreshToken.family) }
        accessTokens[token] = nil
    }

    /// Withdraws everything that came of a sign-in but what is for when the user is away (OpenID Connect Core §11).
    mutating func endSession(_ sessionID: String) {
        func note(_ family: Int, _ grant: Grant) {
            if grant.sessionID == sessionID, !grant.scopes.containsExactly("offline_access") { ended.insert(family) }
        }
        for (_, code) in codes.all { note(code.family, code.grant) }
        for (_, token) in accessTokens.all { note(token.family, token.grant) }
    }
}
#endif
