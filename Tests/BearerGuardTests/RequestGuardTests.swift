// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Synchronization
import Testing

@Suite("Request guard")
struct RequestGuardTests {
    private let fixture: GuardFixture

    init() throws { fixture = try GuardFixture(rolePaths: ["roles", ClaimPath("realm_access", "roles")]) }

    @Test(
        "H1, H3, H4: exactly one bearer token is taken from a request",
        arguments: [
            ([], "missing_token"), (["Bearer TOKEN"], "authorized"), (["bearer TOKEN"], "authorized"),
            (["BEARER TOKEN"], "authorized"), (["Bearer   TOKEN"], "authorized"),
            (["Bearer TOKEN", "Bearer TOKEN"], "multiple_tokens"),
            (["Bearer TOKEN, Bearer TOKEN"], "multiple_tokens"), (["Bearer TOKEN", "Basic eA=="], "multiple_tokens"),
            (["Bearer"], "invalid_request"), (["Bearer "], "invalid_request"), (["Bearer\tTOKEN"], "invalid_request"),
            (["Bearer TOKEN "], "invalid_request"), (["Bearer TOKEN x"], "invalid_request"), ([""], "invalid_request"),
            ([" Bearer TOKEN"], "invalid_request"), (["BearerTOKEN"], "invalid_request"),
            (["Basic eA=="], "invalid_request"),
            (["DPoP TOKEN"], "invalid_request"), (["Bearer TOKEN\r\n x"], "invalid_request"),
            (["Bearer TOKEN\u{0}"], "invalid_request"),
            (["Bearer \"TOKEN\""], "invalid_request"), (["Bearer =="], "invalid_request"),
            (["Bearer é"], "invalid_request"),
        ] as [([String], String)]
    )
    func extraction(_ fields: [String], _ outcome: String) async {
        let token = fixture.issuer.token()
        let credentials = RequestCredentials(authorization: fields.map { $0.replacing("TOKEN", with: token) })
        #expect(await fixture.outcome(credentials) == outcome)
    }

    @Test("H2: a token in a second place is one too many; in another place alone it is taken")
    func otherPlaces() async {
        let token = fixture.issuer.token()
        #expect(await fixture.outcome(RequestCredentials(authorization: [], otherTokens: [token])) == "authorized")
        let both = RequestCredentials(authorization: ["Bearer \(token)"], otherTokens: [token])
        #expect(await fixture.outcome(both) == "multiple_tokens")
        #expect(await fixture.outcome(RequestCredentials(authorization: [], otherTokens: ["a b"])) == "invalid_request")
    }

    @Test("H13: an optional route is anonymous without a token only, never with a bad one or without keys")
    func optional() async throws {
        func outcome(_ field: String?, by requestGuard: RequestGuard? = nil) async -> String {
            let asked = requestGuard ?? fixture.requestGuard
            return switch await asked.authorizeIfPresent(RequestCredentials(authorization: field)) {
            case .authorized: "authorized"
            case .anonymous: "anonymous"
            case .refused(let refusal): refusal.code.text
            }
        }
        #expect(await outcome(nil) == "anonymous")
        #expect(await outcome("Bearer \(fixture.issuer.token())") == "authorized")
        #expect(await outcome("Bearer \(fixture.issuer.token(with: .expired))") == "expired")
        #expect(await outcome("") == "invalid_request")
        #expect(await outcome("Basic eA==") == "invalid_request")
        let keyless = try RequestGuard(
            issuers: [TrustedIssuer(policy: try fixture.issuer.policy(), keys: OfflineKeys())]
        )
        #expect(await outcome("Bearer \(fixture.issuer.token())", by: keyless) == "keys_unavailable")
        #expect(await outcome(nil, by: keyless) == "anonymous")
    }

    @Test(
        "H7: a challenge says what RFC 6750 has it say, and for an absent token nothing more than the realm",
        arguments: [
            (nil, 401, #"Bearer realm="api""#),
            (
                "Bearer x", 401,
                #"Bearer realm="api", error="invalid_token", error_description="The access token is malformed""#
            ),
            (
                "Bearer", 400,
                #"Bearer realm="api", error="invalid_request", error_description="The Authorization header is not a bearer token""#
            ),
        ] as [(String?, Int, String)]
    )
    func challenges(_ field: String?, _ status: Int, _ challenge: String) async throws {
        let decision = await fixture.requestGuard.authorize(
            RequestCredentials(authorization: field),
            requiring: .scopes("read")
        )
        let refusal = try #require(decision.refusal)
        #expect(refusal.httpStatus == status)
        #expect(refusal.headerFields.map(\.value) == [challenge])
    }

    @Test("A missing scope is named in the challenge")
    func scopeChallenge() async throws {
        let decision = await fixture.requestGuard.authorize(
            RequestCredentials(authorization: "Bearer \(fixture.issuer.token(scopes: ["read"]))"),
            requiring: .scopes("read", "write").and(.anyRole("clerk"))
        )
        let refusal = try #require(decision.refusal)
        #expect(refusal.httpStatus == 403)
        let challenge =
            #"Bearer realm="api", error="insufficient_scope", "#
            + #"error_description="The access token does not grant what is required", scope="read write""#
        #expect(refusal.challenges.map(\.headerValue) == [challenge])
    }

    @Test("H5: no challenge text of any code can break its header")
    func challengeCatalogue() {
        for code in RejectionCode.allCases {
            #expect(
                code.challengeDescription.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
            )
            #expect(!code.advice.isEmpty)
            #expect(RejectionCode(code.text) == code)
            #expect([400, 401, 403, 503].contains(code.httpStatus))
        }
        #expect(RejectionCode.allCases.count == 31)
        #expect(RejectionCode("no_such_code") == nil)
    }

    @Test("A realm that could break the header is refused at construction", arguments: ["a\"b", "a\\b", "a\r\nb", "é"])
    func realms(_ realm: String) throws {
        let trusted = try TrustedIssuer(
            policy: fixture.issuer.policy(),
            keys: StaticKeys(JWKSet(fixture.issuer.keySet.utf8))
        )
        #expect(throws: ConfigurationError.self) { try RequestGuard(issuers: [trusted], realm: realm) }
    }

    @Test(
        "Requirements combine scopes, roles and claims",
        arguments: [
            (.authenticated, true), (.scopes("read"), true), (.scopes("read", "write"), false), (.scopes([]), true),
            (.anyScope("write", "read"), true), (.anyScope("write"), false), (.anyScope([]), false),
            (.roles("clerk"), true), (.roles("clerk", "chief"), false), (.anyRole("chief", "boss"), true),
            (.anyRole([]), false),
            (.claim("tenant", equals: "a"), true), (.claim("tenant", equals: "b"), false),
            (.claim(ClaimPath("realm_access", "roles"), equals: ["boss"]), true),
            (.claim("absent", equals: .null), false),
            (.scopes("read").and(.roles("clerk")), true), (.scopes("write").and(.roles("clerk")), false),
            (.scopes("write").or(.roles("clerk")), true), (.not(.scopes("write")), true),
            (.not(.scopes("read")), false),
            (.token { $0.subject == "user-1" }, true), (.token { _ in false }, false),
        ] as [(Requirement, Bool)]
    )
    func requirements(_ requirement: Requirement, _ isMet: Bool) async {
        let token = fixture.issuer.token(
            scopes: ["read"],
            changes: ["roles": ["clerk"], "realm_access": ["roles": ["boss"]], "tenant": "a"]
        )
        #expect(await fixture.outcome(token, requiring: requirement) == (isMet ? "authorized" : "insufficient_scope"))
    }

    @Test("With the key at hand a decision is there before anything suspends")
    func nothingSuspends() {
        let outcome = Mutex<String?>(nil)
        let token = fixture.issuer.token()
        Task.immediate {
            let decision = await fixture.requestGuard.authorize(RequestCredentials(authorization: "Bearer \(token)"))
            outcome.withLock { $0 = decision.accessToken == nil ? "refused" : "authorized" }
        }
        // An immediate task runs on this thread until it first suspends.
        #expect(outcome.withLock { $0 } == "authorized")
    }

    @Test("H9: each decision is one event, without token or claim, and a kid can forge no line of a log")
    func events() async throws {
        let keyID = "evil\r\n\u{1B}[31m" + String(repeating: "x", count: 200)
        _ = await fixture.outcome(fixture.issuer.token(changes: ["sub": "secret-subject"]))
        _ = await fixture.outcome(
            fixture.issuer.token(changes: ["sub": "secret-subject"], header: ["kid": .string(keyID)])
        )
        _ = await fixture.outcome(RequestCredentials(authorization: []))
        let events = fixture.events.decisions
        #expect(events.map(\.outcome) == ["authorized", "unknown_key", "missing_token"])
        #expect(events.map(\.issuerAlias) == ["fixture", "fixture", nil])
        #expect(events.map(\.status) == [200, 401, 401])
        #expect(events[0].fingerprint != events[1].fingerprint)
        let escaped = try #require(events[1].keyID)
        #expect(escaped.hasPrefix(#"evil\u{d}\u{a}\u{1b}[31m"#))
        #expect(escaped.utf8.count == 128)
        for event in events {
            var dumped = ""
            dump(event, to: &dumped)
            #expect(!dumped.contains("secret-subject"))
            #expect(!dumped.contains("eyJ"))
        }
    }

    @Test("H8: no way of printing shows a token or a secret")
    func redaction() async throws {
        let text = fixture.issuer.token()
        let credentials = RequestCredentials(authorization: "Bearer \(text)")
        let decision = await fixture.requestGuard.authorize(credentials)
        let access = try #require(decision.accessToken)
        let secret = try #require(SharedSecret("a shared secret of more than 32 bytes".utf8))
        let values: [Any] = [credentials, try UnverifiedToken(Array(text.utf8)), access, decision, secret]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            for printed in [dumped, "\(value)", String(reflecting: value)] {
                #expect(!printed.contains(text.suffix(20)))
                #expect(!printed.contains("eyJ"))
                #expect(!printed.contains("user-1"))
                #expect(!printed.contains("shared secret"))
            }
        }
        #expect("\(access)" == "AccessToken(\(access.fingerprint))")
        #expect(access.fingerprint.text.count == 32)
    }

    @Test("The fingerprint of a token is the same under one key and another under the next")
    func fingerprints() throws {
        let token = Array(fixture.issuer.token().utf8)
        let key = try TokenFingerprint.Key([UInt8](repeating: 1, count: 32))
        #expect(key.fingerprint(of: token[...]) == key.fingerprint(of: token[...]))
        #expect(key.fingerprint(of: token[...]) != TokenFingerprint.Key.random().fingerprint(of: token[...]))
        #expect(throws: ConfigurationError.self) { try TokenFingerprint.Key([1, 2, 3]) }
    }

    @Test("A fingerprint is the first half of an HMAC with SHA-256, in hexadecimal digits")
    func fingerprintText() throws {
        // RFC 4231 §4.7.
        let key = try TokenFingerprint.Key([UInt8](repeating: 0xAA, count: 131))
        let text = Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8)
        #expect(key.fingerprint(of: text[...]).text == "60e431591ee0b67f0d8a26aacbf5b77f")
    }

    @Test("Verified claims are typed, and any other decodes")
    func typedClaims() async throws {
        struct Extra: Decodable {
            struct Address: Decodable { let city: String? }
            let tenant: String
            let level: Int
            let ratio: Double
            let flags: [Bool]
            let address: Address
            let missing: Int?
            let raw: JSONValue
        }
        let token = fixture.issuer.token(
            scopes: ["read"],
            changes: [
                "tenant": "a", "level": 3, "ratio": 0.5, "flags": [true, false], "address": ["city": .null],
                "raw": [1, ["k": "v"]],
            ]
        )
        let decision = await fixture.requestGuard.authorize(RequestCredentials(authorization: "Bearer \(token)"))
        let access = try #require(decision.accessToken)
        #expect(access.issuer == "https://issuer.test")
        #expect(access.subject == "user-1")
        #expect(access.clientID == "client-1")
        #expect(access.claims.audience == ["https://api.test"])
        #expect(access.claims.expiration == UnixTime(seconds: GuardFixture.now + 300))
        #expect(access.scopes.values == ["read"])
        #expect(access.keyID == "ES256-1")
        let extra = try access.claims.decode(Extra.self)
        #expect(extra.level == 3)
        #expect(extra.flags == [true, false])
        #expect(extra.address.city == nil)
        #expect(extra.raw == [1, ["k": "v"]])
        #expect(throws: DecodingError.self) { try access.claims.decode([Int].self) }
        let narrow: JSONValue = ["level": 300]
        struct Narrow: Decodable { let level: Int8 }
        #expect(throws: DecodingError.self) { try narrow.decode(Narrow.self) }
    }

    @Test("The client of a token is found under each of its names, the standard one first")
    func clientNames() {
        for name in ["client_id", "cid", "azp", "appid"] {
            let claims = Claims(JSONObject(members: [.init(name: name, value: "c")]))
            #expect(claims.clientID == "c")
        }
        let both = Claims(JSONObject(members: [.init(name: "azp", value: "z"), .init(name: "client_id", value: "c")]))
        #expect(both.clientID == "c")
    }
}
