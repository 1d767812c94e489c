// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Rows A1 to A24 of the attack catalogue: algorithm and key-trust confusion.
@Suite("Threats: algorithms and trust in keys")
struct AlgorithmThreatTests {
    private let fixture: GuardFixture

    init() throws { fixture = try GuardFixture() }

    private func withAlgorithm(_ algorithm: JSONValue?, signature: String? = nil) -> String {
        let token = fixture.issuer.token(header: ["alg": algorithm])
        guard let signature else { return token }
        return token.prefix(through: token.lastIndex(of: ".") ?? token.startIndex) + signature
    }

    @Test(
        "A1: alg none in any spelling is refused, with and without a signature",
        arguments: ["none", "None", "NONE", "nOnE"]
    )
    func algorithmNone(_ name: String) async {
        #expect(await fixture.outcome(withAlgorithm(.string(name))) == "unsupported_alg")
        #expect(await fixture.outcome(withAlgorithm(.string(name), signature: "")) == "unsupported_alg")
    }

    @Test(
        "A2: an alg that is absent, of another type or not spelled exactly is refused",
        arguments: [
            (nil, "unsupported_alg"), (.null, "malformed"), (256, "malformed"), (["ES256"], "malformed"),
            ("", "unsupported_alg"), ("ES256 ", "unsupported_alg"), ("es256", "unsupported_alg"),
        ] as [(JSONValue?, String)]
    )
    func oddAlgorithms(_ algorithm: JSONValue?, _ reason: String) async {
        #expect(await fixture.outcome(withAlgorithm(algorithm)) == reason)
    }

    @Test(
        "A3: an HMAC made with a public key in any encoding is refused",
        arguments: [SignatureAlgorithm.rs256, .es256, .edDSA]
    )
    func publicKeyAsSecret(_ algorithm: SignatureAlgorithm) async throws {
        let key = try fixture.key(algorithm)
        let body = key.publicPEM.split(separator: "\n").dropFirst().dropLast().joined()
        for secret in [key.publicPEM, "  " + key.publicPEM, body, key.jwk.text] {
            let hmac = try #require(try SharedSecret(secret.utf8)?.verifier(for: .hs256))
            let good = fixture.issuer.token(header: ["alg": "HS256", "kid": .string(key.keyID ?? "")])
            let input = String(good.prefix(upTo: good.lastIndex(of: ".") ?? good.startIndex))
            let token = input + "." + Base64URL.encode(hmac.authenticationCode(of: Array(input.utf8)[...]) ?? [])
            #expect(await fixture.outcome(token) == "unsupported_alg")
            let careless = try GuardFixture(algorithms: [.hs256])
            #expect(await careless.outcome(token) == "alg_mismatch")
        }
    }

    @Test("A4: a key without alg still decides by its type what it verifies")
    func keyWithoutAlgorithm() async throws {
        let key = try fixture.key(.rs256)
        let set = JWKSet.text(key.jwk.setting(["alg": nil]))
        let permissive = try GuardFixture(algorithms: [.hs256], keySet: set)
        let token = fixture.issuer.token(header: ["alg": "HS256", "kid": "RS256-1"], algorithm: .rs256)
        #expect(await permissive.outcome(token) == "alg_mismatch")
        let right = try GuardFixture(keySet: set)
        #expect(await right.outcome(fixture.issuer.token(algorithm: .rs256)) == "authorized")
    }

    @Test("A5: a shared secret in a fetched set is dropped, and the set's other keys work")
    func secretInFetchedSet() async throws {
        let secret = try SigningKey(.hs256, keyID: "shared")
        let set = JWKSet.text(secret.jwk, try fixture.key(.es256).jwk)
        let mixed = try GuardFixture(algorithms: [.hs256, .hs384], keySet: set)
        #expect(await mixed.outcome(fixture.issuer.token(signedBy: secret)) == "invalid_key")
        let right = try GuardFixture(keySet: set)
        #expect(await right.outcome(fixture.issuer.token()) == "authorized")
    }

    @Test("A6: a key for RS256 verifies no other RSA algorithm", arguments: [SignatureAlgorithm.rs512, .ps256])
    func otherAlgorithmOfSameKey(_ algorithm: SignatureAlgorithm) async throws {
        let other = try GuardFixture(algorithms: [.rs256, .rs512, .ps256])
        let token = fixture.issuer.token(
            header: ["alg": .string(algorithm.rawValue)],
            signedBy: try fixture.key(.rs256)
        )
        #expect(await other.outcome(token) == "alg_mismatch")
    }

    @Test("A7: an algorithm with a key of another curve is refused, and so is the name ES521")
    func otherCurve() async throws {
        for algorithm in [SignatureAlgorithm.es384, .es512, .es256k] {
            let key = try SigningKey(algorithm, keyID: "curve")
            let other = try GuardFixture(algorithms: [.es256], keySet: JWKSet.text(key.jwk.setting(["alg": nil])))
            let token = fixture.issuer.token(header: ["alg": "ES256"], signedBy: key)
            #expect(await other.outcome(token) == "alg_mismatch")
        }
        let named = try fixture.key(.es256).jwk.setting(["alg": "ES521"])
        #expect(try await GuardFixture(keySet: JWKSet.text(named)).outcome(fixture.issuer.token()) == "alg_mismatch")
    }

    @Test("A8: a key in the header is not trusted")
    func headerKey() async throws {
        let attacker = try SigningKey(.es256, keyID: "ES256-1")
        let token = fixture.issuer.token(header: ["jwk": attacker.jwk], signedBy: attacker)
        #expect(await fixture.outcome(token) == "bad_signature")
        let named = fixture.issuer.token(header: ["jwk": attacker.jwk, "kid": "attacker"], signedBy: attacker)
        #expect(await fixture.outcome(named) == "unknown_key")
    }

    @Test(
        "A9: addresses and certificates in the header are neither followed nor trusted",
        arguments: ["jku", "x5u", "x5c", "x5t"]
    )
    func headerAddresses(_ name: String) async throws {
        let attacker = try SigningKey(.es256, keyID: "ES256-1")
        let token = fixture.issuer.token(header: [name: "https://attacker.test/keys"], signedBy: attacker)
        #expect(await fixture.outcome(token) == "bad_signature")
        #expect(
            await fixture.outcome(fixture.issuer.token(header: [name: "https://attacker.test/keys"])) == "authorized"
        )
    }

    @Test(
        "A10: a kid is a name to look up and nothing else",
        arguments: [
            ("../../dev/null", "unknown_key"), ("' OR 1=1 --", "unknown_key"), ("a\u{0}b", "unknown_key"),
            ("es256-1", "unknown_key"), ("ES256-1 ", "unknown_key"),
            (.string(String(repeating: "k", count: 257)), "malformed"),
            (1, "malformed"), (["ES256-1"], "malformed"), (.null, "malformed"),
        ] as [(JSONValue, String)]
    )
    func keyIdentifiers(_ keyID: JSONValue, _ reason: String) async {
        #expect(await fixture.outcome(fixture.issuer.token(header: ["kid": keyID])) == reason)
    }

    @Test(
        "A11: a key for another use verifies nothing",
        arguments: [
            (["use": "enc"], "alg_mismatch"), (["key_ops": ["encrypt"]], "alg_mismatch"),
            (["key_ops": ["verify", "verify"]], "invalid_key"), (["key_ops": [1]], "invalid_key"),
            (["use": 1], "invalid_key"),
        ] as [([String: JSONValue?], String)]
    )
    func otherUse(_ change: [String: JSONValue?], _ reason: String) async throws {
        let set = JWKSet.text(try fixture.key(.es256).jwk.setting(change))
        #expect(try await GuardFixture(keySet: set).outcome(fixture.issuer.token()) == reason)
    }

    @Test("A12: a private key in a set is dropped", arguments: ["d", "p", "k"])
    func privateKey(_ member: String) async throws {
        let set = JWKSet.text(try fixture.key(.es256).jwk.setting([member: "AQAB"]))
        #expect(try await GuardFixture(keySet: set).outcome(fixture.issuer.token()) == "invalid_key")
    }

    @Test("A13: two keys of one kid are ambiguous unless type or algorithm tells them apart")
    func sameKeyID() async throws {
        let twin = try SigningKey(.es256, keyID: "ES256-1")
        let own = try fixture.key(.es256).jwk
        let ambiguous = try GuardFixture(keySet: JWKSet.text(own, twin.jwk))
        #expect(await ambiguous.outcome(fixture.issuer.token()) == "ambiguous_key")
        let other = try fixture.key(.rs256).jwk.setting(["kid": "ES256-1"])
        #expect(try await GuardFixture(keySet: JWKSet.text(own, other)).outcome(fixture.issuer.token()) == "authorized")
        #expect(try await GuardFixture(keySet: JWKSet.text(own, own)).outcome(fixture.issuer.token()) == "authorized")
    }

    @Test("A14: without a kid at most four fitting keys are tried")
    func withoutKeyID() async throws {
        var keys = [try fixture.key(.es256).jwk]
        let token = fixture.issuer.token(header: ["kid": nil])
        for count in 2...5 {
            keys.insert(try SigningKey(.es256, keyID: "other-\(count)").jwk, at: 0)
            let set = (["keys": .array(keys)] as JSONValue).text
            #expect(try await GuardFixture(keySet: set).outcome(token) == (count <= 4 ? "authorized" : "ambiguous_key"))
        }
        let foreign = fixture.issuer.token(header: ["kid": nil], signedBy: try SigningKey(.es256, keyID: nil))
        #expect(await fixture.outcome(foreign) == "bad_signature")
    }

    @Test("A15: an unknown kid never falls back to another key, not even the only one")
    func unknownKeyID() async throws {
        let set = JWKSet.text(try fixture.key(.es256).jwk.setting(["kid": nil]))
        let token = fixture.issuer.token(header: ["kid": "gone"])
        #expect(try await GuardFixture(keySet: set).outcome(token) == "unknown_key")
    }

    @Test("A16: no key, no algorithm, no issuer and no audience are faults of configuration")
    func emptyConfiguration() throws {
        #expect(throws: ConfigurationError.self) { try StaticKeys(JWKSet(#"{"keys":[]}"#.utf8)) }
        #expect(throws: ConfigurationError.self) {
            try ValidationPolicy(issuer: "https://i.test", audience: ["a"], algorithms: [])
        }
        #expect(throws: ConfigurationError.self) {
            try ValidationPolicy(issuer: "", audience: ["a"], algorithms: .okta)
        }
        #expect(throws: ConfigurationError.self) {
            try ValidationPolicy(issuer: "https://i.test", audience: [], algorithms: .okta)
        }
        #expect(throws: ConfigurationError.self) { try RequestGuard(issuers: []) }
    }

    @Test("A17: a secret shorter than its hash is refused where it is configured")
    func shortSecret() throws {
        #expect(SharedSecret([UInt8](repeating: 1, count: 31)) == nil)
        let secret = try #require(SharedSecret([UInt8](repeating: 1, count: 32)))
        #expect(throws: ConfigurationError.self) { try StaticKeys(secret: secret, keyID: nil, algorithm: .hs384) }
        #expect(throws: Never.self) { try StaticKeys(secret: secret, keyID: nil, algorithm: .hs256) }
    }

    @Test(
        "A18: crit of any shape is refused",
        arguments: [["exp"], [], ["b64", "b64"], ["alg"], ["absent"], "exp", .null, 1, [:]] as [JSONValue]
    )
    func criticalHeader(_ critical: JSONValue) async {
        #expect(await fixture.outcome(fixture.issuer.token(header: ["crit": critical])) == "critical_header")
    }

    @Test("A19: b64 and detached payloads are refused")
    func unencodedPayload() async throws {
        #expect(await fixture.outcome(fixture.issuer.token(header: ["b64": false])) == "critical_header")
        #expect(await fixture.outcome(fixture.issuer.token(header: ["b64": true])) == "critical_header")
        let token = fixture.issuer.token().split(separator: ".", omittingEmptySubsequences: false)
        #expect(await fixture.outcome("\(token[0])..\(token[2])") == "malformed")
    }

    @Test("A20, A21, A22: JSON serialisation, encrypted and nested tokens are refused")
    func otherForms() async throws {
        let parts = fixture.issuer.token().split(separator: ".")
        let flattened = #"{"protected":"\#(parts[0])","payload":"\#(parts[1])","signature":"\#(parts[2])"}"#
        let validator = TokenValidator(policy: try fixture.issuer.policy(), binding: .bearer)
        let judgement = validator.judge(Array(flattened.utf8), keys: KeySnapshot(keys: []), at: UnixTime(seconds: 0))
        #expect(judgement.findings.map(\.code) == [.malformed])
        #expect(await fixture.outcome("a.b.c.d.e") == "malformed")
        #expect(await fixture.outcome(fixture.issuer.token(header: ["enc": "A256GCM", "zip": "DEF"])) == "malformed")
        #expect(await fixture.outcome(fixture.issuer.token(header: ["cty": "JWT"])) == "malformed")
        #expect(await fixture.outcome(fixture.issuer.token(header: ["cty": "application/at+jwt"])) == "malformed")
        #expect(await fixture.outcome(fixture.issuer.token(header: ["cty": "json"])) == "authorized")
    }

    @Test("A23: the allow-list holds for token and key alike")
    func allowList() async throws {
        let narrow = try GuardFixture(algorithms: [.rs256])
        #expect(await narrow.outcome(fixture.issuer.token(algorithm: .es256)) == "unsupported_alg")
        #expect(await narrow.outcome(fixture.issuer.token(algorithm: .rs256)) == "authorized")
    }

    @Test("A24: a refusal carries one reason and no claims")
    func singleResult() async {
        let decision = await fixture.requestGuard.authorize(
            RequestCredentials(authorization: "Bearer \(fixture.issuer.token(with: .expired))")
        )
        #expect(decision.accessToken == nil)
        #expect(decision.refusal?.code == .expired)
    }
}
