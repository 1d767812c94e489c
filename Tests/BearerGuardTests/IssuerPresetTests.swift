// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Presets and policies")
struct IssuerPresetTests {
    private func build(_ issuer: String, _ preset: IssuerPreset) throws(ConfigurationError) -> ValidationPolicy {
        try ValidationPolicy(issuer: issuer, audience: ["api"], algorithms: preset.algorithms, preset: preset)
    }

    @Test(
        "A placeholder that nobody replaced is refused under every preset",
        arguments: [
            "https://{yourOktaDomain}/oauth2/default", "https://YOUR_DOMAIN/", "https://<tenant>/",
            "https://your-tenant.auth0.com/",
        ]
    )
    func placeholders(_ issuer: String) throws {
        for preset in IssuerPreset.all {
            let error = try #require(throws: ConfigurationError.self) { try build(issuer, preset) }
            #expect(error.message.contains("placeholder was not replaced"))
        }
    }

    @Test(
        "A preset refuses an issuer that cannot be meant, and says why",
        arguments: [
            (.okta, "https://dev-1.okta.com", "org authorization server"),
            (.okta, "https://dev-1-admin.okta.com/oauth2/default", "admin console"),
            (.auth0, "https://team.eu.auth0.com", "ends in '/'"),
            (.entra, "https://login.microsoftonline.com/common/v2.0", "name the tenant"),
            (.keycloak, "https://sso.test/", "names its realm"),
            (.cognito, "https://pool.test/", "cognito-idp"),
        ] as [(IssuerPreset, String, String)]
    )
    func impossibleIssuers(_ preset: IssuerPreset, _ issuer: String, _ reason: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try build(issuer, preset) }
        #expect(error.message.contains(reason))
    }

    @Test(
        "A preset takes its issuer's access token and refuses its other tokens",
        arguments: [
            (.okta, ["cid": "c", "scp": ["read"], "ver": 1], nil), (.okta, ["ver": 1, "idp": "x"], "missing_claim"),
            (.auth0, ["azp": "c", "permissions": ["read"]], nil), (.auth0, ["nonce": "n"], "wrong_type"),
            (.entra, ["scp": "read", "ver": "2.0"], nil), (.entra, ["roles": ["r"]], nil),
            (.entra, ["name": "n"], "wrong_type"),
            (.keycloak, ["typ": "Bearer", "azp": "c"], nil), (.keycloak, ["typ": "ID"], "wrong_type"),
            (.keycloak, [:], "wrong_type"),
            (.cognito, ["token_use": "access", "client_id": "api"], nil), (.cognito, ["token_use": "id"], "wrong_type"),
            (.cognito, ["token_use": "access", "client_id": "other"], "wrong_audience"),
            (.cognito, ["token_use": "access"], "missing_claim"),
        ] as [(IssuerPreset, [String: JSONValue], String?)]
    )
    func kinds(_ preset: IssuerPreset, _ extra: [String: JSONValue], _ reason: String?) throws {
        let issuers: [String: String] = [
            "okta": "https://dev-1.okta.com/oauth2/default", "auth0": "https://team.eu.auth0.com/",
            "entra": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
            "keycloak": "https://sso.test/realms/main",
            "cognito": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x",
        ]
        let name = try #require(issuers[preset.name])
        var claims: [String: JSONValue] = ["iss": .string(name), "exp": 1_800_000_300, "sub": "u"]
        if preset.name != "cognito" { claims["aud"] = "api" }
        claims.merge(extra) { $1 }
        let key = try #require(GuardFixture.issuer?.signingKey(.rs256))
        let header: JSONValue = ["alg": "RS256", "kid": "RS256-1"]
        let token = TestIssuer.sign(header: header, claims: .object(claims), with: key)
        let validator = TokenValidator(policy: try build(name, preset), binding: .bearer)
        let keys = KeySnapshot(try JWKSet(JWKSet.text(key.jwk).utf8))
        let judgement = validator.judge(Array(token.utf8), keys: keys, at: UnixTime(seconds: GuardFixture.now))
        #expect(judgement.findings.first?.code.text == reason)
        #expect(!preset.differences.isEmpty)
    }

    @Test("Numbers out of range and mixed kinds of algorithm are faults of configuration")
    func ranges() {
        func build(_ skew: Int = 0, _ age: Int? = nil, _ algorithms: Set<SignatureAlgorithm> = .okta) throws {
            _ = try ValidationPolicy(
                issuer: "https://i.test",
                audience: ["a"],
                algorithms: algorithms,
                clockSkew: skew,
                maximumAge: age
            )
        }
        #expect(throws: Never.self) { try build(300, 1) }
        #expect(throws: ConfigurationError.self) { try build(301) }
        #expect(throws: ConfigurationError.self) { try build(-1) }
        #expect(throws: ConfigurationError.self) { try build(0, 0) }
        #expect(throws: ConfigurationError.self) { try build(0, nil, [.hs256, .rs256]) }
    }

    @Test("A check of one's own refuses with invalid_claim and its name")
    func customCheck() async throws {
        let fixture = try GuardFixture(checks: [ClaimCheck("tenant is not ours") { $0["tenant"] == "ours" }])
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["tenant": "ours"])) == "authorized")
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["tenant": "theirs"])) == "invalid_claim")
        #expect(fixture.events.decisions.last?.detail == "tenant is not ours")
    }

    @Test("A required claim must be there and not null")
    func requiredClaim() async throws {
        let fixture = try GuardFixture(requiredClaims: ["tenant"])
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["tenant": "a"])) == "authorized")
        #expect(await fixture.outcome(fixture.issuer.token()) == "missing_claim")
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["tenant": .null])) == "missing_claim")
    }
}
