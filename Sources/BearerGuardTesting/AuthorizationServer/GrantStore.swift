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
        let number: Int
        let grant: Grant
        let scopes: [String]
        let audience: [String]
    }

    private struct Code: Sendable {
        let grant: Int
        let redirectURI: String
        let challenge: String?
        let end: Int64
        var isUsed = false
    }

    private struct RefreshToken: Sendable {
        let grant: Int
        let end: Int64
        var isUsed = false
    }

    /// An access or ID token as it was given out.
    struct IssuedToken: Sendable {
        let grant: Int
        let claims: JSONValue
        let end: Int64
    }

    /// Beyond it the oldest of each are forgotten: this server runs for days in a developer's terminal.
    private static let maximumCount = 10_000

    private var grants: [Int: Grant] = [:]
    private var ended: Set<Int> = []
    private var nextGrant = 1
    private var codes = Recent<Code>(limit: maximumCount)
    private var refreshTokens = Recent<RefreshToken>(limit: maximumCount)
    private var accessTokens = Recent<IssuedToken>(limit: maximumCount)
    private var idTokens = Recent<IssuedToken>(limit: maximumCount)

    /// Notes a grant.
    mutating func add(_ grant: Grant) -> Taken {
        let number = nextGrant
        nextGrant += 1
        grants[number] = grant
        // As many as there can be tokens that name them, and some.
        if number > 4 * Self.maximumCount {
            grants[number - 4 * Self.maximumCount] = nil
            ended.remove(number - 4 * Self.maximumCount)
        }
        return Taken(number: number, grant: grant, scopes: grant.scopes, audience: grant.audience)
    }

    /// A code for a grant.
    mutating func code(for grant: Taken, redirectURI: String, challenge: String?, end: Int64) -> String {
        let code = RandomText.make()
        codes[code] = Code(grant: grant.number, redirectURI: redirectURI, challenge: challenge, end: end)
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
        guard var code = codes[text], let grant = grants[code.grant] else {
            throw OAuthError(.invalidGrant, "the code is not known")
        }
        guard !code.isUsed else {
            ended.insert(code.grant)
            throw OAuthError(.invalidGrant, "the code was used before; what it gave is withdrawn")
        }
        // Whatever comes of it: a code is good for one attempt.
        code.isUsed = true
        codes[text] = code
        guard grant.clientID.isExactly(clientID) else {
            throw OAuthError(.invalidGrant, "the code is another client's")
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
        return Taken(number: code.grant, grant: grant, scopes: grant.scopes, audience: audience)
    }

    /// A refresh token for a grant.
    mutating func refreshToken(for grant: Taken, end: Int64) -> String {
        let token = RandomText.make()
        refreshTokens[token] = RefreshToken(grant: grant.number, end: end)
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
        guard var token = refreshTokens[text], let grant = grants[token.grant],
            grant.clientID.isExactly(clientID)
        else { throw OAuthError(.invalidGrant, "the refresh token is not known, or another client's") }
        guard !ended.contains(token.grant) else {
            throw OAuthError(.invalidGrant, "what the refresh token stands for was withdrawn")
        }
        guard !token.isUsed else {
            ended.insert(token.grant)
            throw OAuthError(.invalidGrant, "the refresh token was used before: all that came of it is withdrawn")
        }
        guard now < token.end else { throw OAuthError(.invalidGrant, "the refresh token has ended") }
        let narrowed = scopes ?? grant.scopes
        guard narrowed.allSatisfy(grant.scopes.containsExactly) else {
            throw OAuthError(.invalidScope, "more than was granted")
        }
        let audience = try Self.narrowed(grant.audience, to: resources)
        token.isUsed = true
        refreshTokens[text] = token
        return Taken(number: token.grant, grant: grant, scopes: narrowed, audience: audience)
    }

    private static func narrowed(_ audience: [String], to resources: [String]) throws(OAuthError) -> [String] {
        guard resources.allSatisfy(audience.containsExactly) else {
            throw OAuthError(.invalidTarget, "resource is not one that was granted")
        }
        return resources.isEmpty ? audience : resources
    }

    /// Notes an access token.
    mutating func note(accessToken: String, _ claims: JSONValue, of grant: Taken, end: Int64) {
        accessTokens[accessToken] = IssuedToken(grant: grant.number, claims: claims, end: end)
    }

    /// Notes an ID token, so that it can name a session that ends.
    mutating func note(idToken: String, _ claims: JSONValue, of grant: Taken, end: Int64) {
        idTokens[idToken] = IssuedToken(grant: grant.number, claims: claims, end: end)
    }

    /// The grant of an ID token that was given out here, ended or not.
    func grant(ofIDToken token: String) -> Grant? { idTokens[token].flatMap { grants[$0.grant] } }

    /// An access token that is good at this moment, and its grant.
    func active(accessToken: String, now: Int64) -> (token: IssuedToken, grant: Grant)? {
        guard let token = accessTokens[accessToken], now < token.end, !ended.contains(token.grant),
            let grant = grants[token.grant]
        else { return nil }
        return (token, grant)
    }

    /// The end and grant of a refresh token that is good at this moment.
    func active(refreshToken: String, now: Int64) -> (end: Int64, grant: Grant)? {
        guard let token = refreshTokens[refreshToken], !token.isUsed, now < token.end, !ended.contains(token.grant),
            let grant = grants[token.grant]
        else { return nil }
        return (token.end, grant)
    }

    /// Withdraws a token (RFC 7009 §2.1): a refresh token with its whole family, an access token alone.
    ///
    /// - Throws: where it is another client's.
    mutating func revoke(_ token: String, clientID: String) throws(OAuthError) {
        let number = refreshTokens[token]?.grant ?? accessTokens[token]?.grant
        // Nobody learns whether a token exists that is not theirs to withdraw.
        guard let number, let grant = grants[number] else { return }
        guard grant.clientID.isExactly(clientID) else {
            throw OAuthError(.unauthorizedClient, "the token is another client's")
        }
        if refreshTokens[token] != nil { ended.insert(number) }
        accessTokens[token] = nil
    }

    /// Withdraws everything that came of a sign-in.
    mutating func endSession(_ sessionID: String) {
        for (number, grant) in grants where grant.sessionID == sessionID { ended.insert(number) }
    }
}
#endif
