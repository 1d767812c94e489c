// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Rows C1 to C11 of the attack catalogue: claims and kinds of token.
@Suite("Threats: claims and kinds of token")
struct ClaimThreatTests {
    private let fixture: GuardFixture

    init() throws { fixture = try GuardFixture() }

    private func outcome(_ changes: [String: JSONValue?], header: [String: JSONValue?] = [:]) async -> String {
        await fixture.outcome(fixture.issuer.token(changes: changes, header: header))
    }

    @Test(
        "C1: iss is compared code point by code point",
        arguments: [
            (nil, "missing_claim"), (["https://issuer.test"], "invalid_claim"), (1, "invalid_claim"),
            (.null, "invalid_claim"),
            ("https://Issuer.test", "wrong_issuer"), ("https://issuer.test/", "wrong_issuer"),
            ("https://issuer.tes", "wrong_issuer"), ("https://issuer.test.attacker.test", "wrong_issuer"),
            ("https://issuer.test\u{0}", "wrong_issuer"), ("https://\u{131}ssuer.test", "wrong_issuer"),
            ("", "wrong_issuer"),
        ] as [(JSONValue?, String)]
    )
    func issuers(_ issuer: JSONValue?, _ reason: String) async {
        #expect(await outcome(["iss": issuer]) == reason)
    }

    @Test("C1: an operator is told how close a wrong issuer is, the caller is not")
    func nearMiss() async {
        _ = await outcome(["iss": "https://issuer.test/"])
        #expect(fixture.events.decisions.last?.detail == "iss differs from the configured issuer by a trailing slash")
        _ = await outcome(["iss": "https://ISSUER.test"])
        #expect(fixture.events.decisions.last?.detail == "iss differs from the configured issuer by case")
    }

    @Test("C2: an issuer must be named, and two cannot share a name")
    func configuredIssuers() throws {
        let trusted = try TrustedIssuer(
            policy: fixture.issuer.policy(),
            keys: StaticKeys(JWKSet(fixture.issuer.keySet.utf8))
        )
        #expect(throws: ConfigurationError("two trusted issuers have the same issuer identifier")) {
            try RequestGuard(issuers: [trusted, trusted])
        }
    }

    @Test(
        "C3: aud must name this API, as a text or in an array of texts",
        arguments: [
            ("https://api.test", "authorized"), (["https://other.test", "https://api.test"], "authorized"),
            ([], "wrong_audience"), (["https://api.test", 1], "invalid_claim"), ("https://API.test", "wrong_audience"),
            (nil, "missing_claim"), (.null, "invalid_claim"), ("", "wrong_audience"),
            ([["https://api.test"]], "invalid_claim"),
            ("https://api.test https://other.test", "wrong_audience"),
        ] as [(JSONValue?, String)]
    )
    func audiences(_ audience: JSONValue?, _ reason: String) async {
        #expect(await outcome(["aud": audience]) == reason)
    }

    @Test("C4: a token without exp is refused")
    func withoutExpiration() async {
        #expect(await outcome(["exp": nil]) == "missing_claim")
    }

    @Test("C5: every boundary in time is exact, with and without skew", arguments: [0, 30, 300])
    func boundaries(_ skew: Int) async throws {
        let fixture = try GuardFixture(clockSkew: skew)
        let now = GuardFixture.now
        let skew = Int64(skew)
        func outcome(_ changes: [String: JSONValue?]) async -> String {
            await fixture.outcome(fixture.issuer.token(changes: changes))
        }
        #expect(await outcome(["exp": .integer(now - skew)]) == "expired")
        #expect(await outcome(["exp": .integer(now - skew + 1)]) == "authorized")
        #expect(await outcome(["nbf": .integer(now + skew)]) == "authorized")
        #expect(await outcome(["nbf": .integer(now + skew + 1)]) == "not_yet_valid")
        #expect(await outcome(["iat": .integer(now + skew)]) == "authorized")
        #expect(await outcome(["iat": .integer(now + skew + 1)]) == "issued_in_future")
        #expect(await outcome(["iat": .integer(now * 1000)]) == "issued_in_future")
    }

    @Test("C5: a token older than the policy allows is refused whatever its exp says")
    func maximumAge() async throws {
        let fixture = try GuardFixture(maximumAge: 600)
        let now = GuardFixture.now
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["iat": .integer(now - 599)])) == "authorized")
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["iat": .integer(now - 600)])) == "expired")
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["iat": nil])) == "missing_claim")
    }

    @Test(
        "C6, C8: tokens of another kind are refused by marker and by shape",
        arguments: [
            ["nonce": "n"], ["at_hash": "h"], ["c_hash": "h"], ["typ": "ID"], ["typ": "Refresh"], ["typ": "Offline"],
            ["typ": "Logout"], ["token_use": "id"], ["type": "refresh_token"], ["events": [:]],
            ["htm": "GET", "htu": "u"],
            ["sub": "https://issuer.test"], ["token_introspection": [:]],
            ["response_type": "code", "redirect_uri": "u"],
        ] as [[String: JSONValue?]]
    )
    func otherKinds(_ changes: [String: JSONValue?]) async {
        #expect(await outcome(changes, header: ["typ": "JWT"]) == "wrong_type")
        #expect(await outcome(changes, header: ["typ": nil]) == "wrong_type")
    }

    @Test("C6: an access token that Keycloak marks as Bearer may carry a nonce")
    func keycloakNonce() async {
        #expect(await outcome(["nonce": "n", "typ": "Bearer"], header: ["typ": "JWT"]) == "authorized")
    }

    @Test(
        "C7: typ is read as a media type, and only those of access tokens pass",
        arguments: [
            ("at+jwt", "authorized", "authorized"), ("AT+JWT", "authorized", "authorized"),
            ("application/at+jwt", "authorized", "authorized"), ("JWT", "authorized", "wrong_type"),
            (nil, "authorized", "wrong_type"), ("dpop+jwt", "wrong_type", "wrong_type"),
            ("logout+jwt", "wrong_type", "wrong_type"), ("secevent+jwt", "wrong_type", "wrong_type"),
            ("", "wrong_type", "wrong_type"), ("at+jwt ", "wrong_type", "wrong_type"), (1, "malformed", "malformed"),
        ] as [(JSONValue?, String, String)]
    )
    func types(_ type: JSONValue?, _ loose: String, _ strict: String) async throws {
        #expect(await outcome([:], header: ["typ": type]) == loose)
        let profile = try GuardFixture(acceptedTokens: .rfc9068)
        #expect(await profile.outcome(fixture.issuer.token(header: ["typ": type])) == strict)
    }

    @Test(
        "C7: the profile of RFC 9068 requires its claims",
        arguments: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]
    )
    func profile(_ claim: String) async throws {
        let profile = try GuardFixture(acceptedTokens: .rfc9068)
        #expect(await profile.outcome(fixture.issuer.token(changes: [claim: nil])) == "missing_claim")
    }

    @Test(
        "C9: scope and scp are read as texts and as arrays, and odd ones are refused",
        arguments: [
            (["scope": "read write"], "authorized"), (["scope": ["read", "write"]], "authorized"),
            (["scope": nil, "scp": ["read", "write"]], "authorized"),
            (["scope": nil, "scp": "read write"], "authorized"),
            (["scope": "read", "scp": ["write"]], "authorized"), (["scope": " read  write "], "authorized"),
            (["scope": ""], "insufficient_scope"), (["scope": nil], "insufficient_scope"),
            (["scope": "read \"write\""], "invalid_claim"), (["scope": "read\twrite"], "invalid_claim"),
            (["scope": 1], "invalid_claim"), (["scope": ["read", 1]], "invalid_claim"),
            (["scope": ["read write"]], "invalid_claim"),
            (["scope": "read,write"], "insufficient_scope"),
            (["scope": nil, "scopes": ["read", "write"]], "insufficient_scope"),
        ] as [([String: JSONValue?], String)]
    )
    func scopes(_ changes: [String: JSONValue?], _ reason: String) async {
        let token = fixture.issuer.token(changes: changes)
        #expect(await fixture.outcome(token, requiring: .scopes("read", "write")) == reason)
    }

    @Test(
        "C10: a scope is itself and nothing that looks like it",
        arguments: ["Read", "rea", "reads", "read_all", "read*", "re\u{61}\u{301}d"]
    )
    func similarScopes(_ scope: String) async {
        let token = fixture.issuer.token(scopes: ["read"])
        #expect(await fixture.outcome(token, requiring: .scopes(scope)) == "insufficient_scope")
        #expect(await fixture.outcome(token, requiring: .scopes("read")) == "authorized")
    }

    @Test("C11: claims that were not verified are of another type than those that were")
    func unverifiedClaims() throws {
        let token = try UnverifiedToken(Array(fixture.issuer.token().utf8))
        #expect(Mirror(reflecting: token).children.isEmpty)
        #expect(!((token as Any) is AccessToken))
    }

    @Test(
        "A token that is bound to a sender is refused as a plain bearer token",
        arguments: [
            (["jkt": "thumbprint"], "dpop_missing"), (["x5t#S256": "thumbprint"], "cnf_mismatch"),
            (["future": "method"], "cnf_mismatch"), ([:], "cnf_mismatch"), ("jkt", "invalid_claim"),
        ] as [(JSONValue, String)]
    )
    func boundTokens(_ confirmation: JSONValue, _ reason: String) async {
        #expect(await outcome(["cnf": confirmation]) == reason)
    }

    @Test(
        "Claims of the wrong type are refused wherever they stand",
        arguments: ["sub", "jti", "client_id", "cid", "azp", "nbf", "iat"]
    )
    func wrongTypes(_ claim: String) async {
        #expect(await outcome([claim: ["x"]]) == "invalid_claim")
        #expect(await outcome([claim: true]) == "invalid_claim")
    }
}
