// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

private typealias Fixture = AuthorizationServerFixture

@Suite("The token endpoint")
struct TokenEndpointTests {
    @Test("A code that comes twice is refused, and what it gave before is withdrawn")
    func reusedCode() throws {
        let fixture = try Fixture()
        let code = try fixture.code(["scope": "openid offline_access read"])
        let first = try fixture.redeem(code)
        #expect(try fixture.redeem(code).refusal == "400 invalid_grant")
        let token = try #require(first["access_token"])
        #expect(try fixture.post("/introspect", ["token": token]).members["active"] == false)
        let refresh = try #require(first["refresh_token"])
        #expect(
            try fixture.token(["grant_type": "refresh_token", "refresh_token": refresh]).refusal == "400 invalid_grant"
        )
    }

    @Test("A code is good for one attempt: after a wrong verifier the right one is too late")
    func wrongVerifier() throws {
        let fixture = try Fixture()
        let code = try fixture.code()
        #expect(try fixture.redeem(code, String(Fixture.verifier.dropLast()) + "l").refusal == "400 invalid_grant")
        #expect(try fixture.redeem(code).refusal == "400 invalid_grant")
    }

    @Test("A code ends after a minute, to the second")
    func oldCode() throws {
        let fixture = try Fixture()
        let (early, late) = (try fixture.code(), try fixture.code())
        fixture.clock.advance(by: 59)
        #expect(try fixture.redeem(early).refusal == "200 granted")
        fixture.clock.advance(by: 1)
        #expect(try fixture.redeem(late).refusal == "400 invalid_grant")
    }

    @Test("A code is bound to its address, its client and its challenge")
    func boundCode() throws {
        let fixture = try Fixture()
        func redeem(
            _ changes: KeyValuePairs<String, String?>,
            _ parameters: KeyValuePairs<String, String>,
            _ authorization: String? = Fixture.basic("web", "web secret/+:é")
        ) throws -> String {
            let code = try fixture.code(changes)
            var all: [(String, String)] = [("grant_type", "authorization_code"), ("code", code)]
            all += parameters.map { ($0.key, $0.value) }
            let body = PercentEncoding.form(all.map { (name: $0.0, value: $0.1) })
            var fields = [("Host", "127.0.0.1"), ("Content-Type", "application/x-www-form-urlencoded")]
            if let authorization { fields.append(("Authorization", authorization)) }
            let request = AuthorizationServerRequest("POST", "/token", fields: fields, body: Array(body.utf8))
            return TokenAnswer(fixture.engine.respond(to: request)).refusal
        }
        let uri = Fixture.callback
        #expect(try redeem([:], ["redirect_uri": uri, "code_verifier": Fixture.verifier]) == "200 granted")
        #expect(try redeem([:], ["code_verifier": Fixture.verifier]) == "400 invalid_grant")
        #expect(try redeem([:], ["redirect_uri": uri + "x", "code_verifier": Fixture.verifier]) == "400 invalid_grant")
        #expect(try redeem([:], ["redirect_uri": uri]) == "400 invalid_grant")
        let phone: KeyValuePairs = [
            "client_id": "phone", "redirect_uri": uri, "code_verifier": Fixture.verifier,
        ]
        #expect(try redeem([:], phone, nil) == "400 invalid_grant")
        #expect(try redeem(["client_id": "phone"], phone, nil) == "200 granted")
        let bare: KeyValuePairs<String, String?> = ["code_challenge": nil, "code_challenge_method": nil]
        #expect(try redeem(bare, ["redirect_uri": uri]) == "200 granted")
        #expect(try redeem(bare, ["redirect_uri": uri, "code_verifier": Fixture.verifier]) == "400 invalid_grant")
    }

    @Test("Refresh tokens rotate; one that comes twice ends the family, the access tokens included")
    func rotation() throws {
        let fixture = try Fixture()
        let first = try fixture.redeem(try fixture.code(["scope": "openid offline_access read"]))
        func refresh(_ token: String?, _ scope: String? = nil) throws -> TokenAnswer {
            let token = try #require(token)
            guard let scope else { return try fixture.token(["grant_type": "refresh_token", "refresh_token": token]) }
            return try fixture.token(["grant_type": "refresh_token", "refresh_token": token, "scope": scope])
        }
        let second = try refresh(first["refresh_token"])
        #expect(second.refusal == "200 granted")
        #expect(second["refresh_token"] != first["refresh_token"])
        #expect(second["id_token"] != nil)
        #expect(try refresh(second["refresh_token"], "read write").refusal == "400 invalid_scope")
        #expect(try refresh(second["refresh_token"], " ").refusal == "400 invalid_scope")
        let narrowed = try refresh(second["refresh_token"], "read")
        #expect(narrowed["scope"] == "read")
        #expect(narrowed["id_token"] == nil)
        let token = try #require(narrowed["access_token"])
        #expect(try fixture.post("/introspect", ["token": token]).members["active"] == true)
        // Stolen and used by somebody else, or used by them first: nobody can tell, so nobody keeps it.
        #expect(try refresh(first["refresh_token"]).refusal == "400 invalid_grant")
        #expect(try refresh(narrowed["refresh_token"]).refusal == "400 invalid_grant")
        #expect(try fixture.post("/introspect", ["token": token]).members["active"] == false)
    }

    @Test("A refresh token is its client's, and ends")
    func refreshBounds() throws {
        let fixture = try Fixture()
        let answer = try fixture.redeem(try fixture.code(["scope": "offline_access"]))
        let token = try #require(answer["refresh_token"])
        let stolen = try fixture.token(
            ["grant_type": "refresh_token", "refresh_token": token, "client_id": "phone"],
            authorization: nil
        )
        #expect(stolen.refusal == "400 invalid_grant")
        fixture.clock.advance(by: 86_400)
        #expect(
            try fixture.token(["grant_type": "refresh_token", "refresh_token": token]).refusal == "400 invalid_grant"
        )
    }

    @Test("A client gets a token for itself, without a user, an ID token or a refresh token")
    func clientCredentials() throws {
        let fixture = try Fixture()
        let answer = try fixture.token(["grant_type": "client_credentials", "scope": "read"])
        #expect(answer.refusal == "200 granted")
        #expect(answer["scope"] == "read")
        #expect(answer["refresh_token"] == nil && answer["id_token"] == nil)
        let asked = try fixture.post("/introspect", ["token": try #require(answer["access_token"])])
        #expect(asked["sub"] == "web" && asked["client_id"] == "web" && asked["username"] == nil)
        for scope in ["openid read", "offline_access", "admin"] {
            let refused = try fixture.token(["grant_type": "client_credentials", "scope": scope])
            #expect(refused.refusal == "400 invalid_scope")
        }
    }

    @Test("A client proves itself by Basic, by the form or by a signed assertion, and by one of them")
    func authentication() throws {
        let fixture = try Fixture()
        let grant = ("grant_type", "client_credentials")
        func ask(_ parameters: [(String, String)], _ authorization: String? = nil) throws -> String {
            let body = PercentEncoding.form(([grant] + parameters).map { (name: $0.0, value: $0.1) })
            var fields = [("Host", "127.0.0.1"), ("Content-Type", "application/x-www-form-urlencoded")]
            if let authorization { fields.append(("Authorization", authorization)) }
            let request = AuthorizationServerRequest("POST", "/token", fields: fields, body: Array(body.utf8))
            let response = fixture.engine.respond(to: request)
            if response.status == 401 { #expect(response.fields.contains { $0.name == "WWW-Authenticate" }) }
            return TokenAnswer(response).refusal
        }
        let secret = "web secret/+:é"
        #expect(try ask([("client_id", "web"), ("client_secret", secret)]) == "200 granted")
        #expect(try ask([], Fixture.basic("web", secret)) == "200 granted")
        #expect(try ask([("client_id", "web")], Fixture.basic("web", secret)) == "200 granted")
        #expect(try ask([("client_id", "phone")], Fixture.basic("web", secret)) == "400 invalid_request")
        #expect(try ask([("client_id", "web"), ("client_secret", "x")]) == "401 invalid_client")
        #expect(try ask([("client_id", "web")]) == "401 invalid_client")
        #expect(try ask([("client_id", "nobody")]) == "401 invalid_client")
        #expect(try ask([]) == "401 invalid_client")
        for field in ["Bearer x", "Basic", "Basic ####", "Basic d2Vi", Fixture.basic("web", "x"), "Basic d2Vi=="] {
            #expect(try ask([], field) == "401 invalid_client")
        }
        #expect(
            try ask([("client_id", "web"), ("client_secret", secret)], Fixture.basic("web", secret))
                == "400 invalid_request"
        )
        #expect(try ask([("client_id", "phone")]) == "400 unauthorized_client")
    }

    @Test("An assertion is good once, and only with its client's key, names, audience and time")
    func assertions() throws {
        let fixture = try Fixture()
        let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        func ask(_ assertion: String, type: String = type) throws -> String {
            try fixture.token(
                ["grant_type": "client_credentials", "client_assertion": assertion, "client_assertion_type": type],
                authorization: nil
            ).refusal
        }
        let good = fixture.assertion()
        #expect(try ask(good) == "200 granted")
        #expect(try ask(good) == "401 invalid_client")
        #expect(try ask(fixture.assertion(["jti": "a-2", "aud": "http://127.0.0.1:9000/token"])) == "200 granted")
        #expect(try ask(fixture.assertion(["jti": "a-3"]), type: "jwt") == "400 invalid_request")
        let now = fixture.clock.wall.time.seconds
        let flawed: [[String: JSONValue?]] = [
            ["jti": nil], ["sub": "web"], ["sub": nil], ["iss": "web"], ["aud": "https://elsewhere.test"],
            ["aud": nil], ["exp": .integer(now - 31)], ["exp": nil], ["exp": .integer(now + 3601)], ["jti": ""],
            ["jti": 7], ["jti": .string(String(repeating: "x", count: 257))],
        ]
        for changes in flawed {
            let changes = changes.merging(["jti": "a-4"]) { own, _ in own }
            #expect(try ask(fixture.assertion(changes)) == "401 invalid_client", "\(changes)")
        }
        let other = try SigningKey(.es256, keyID: "client-key")
        #expect(try ask(fixture.assertion(["jti": "a-5"], signedBy: other)) == "401 invalid_client")
        #expect(try ask("not.a.jwt") == "401 invalid_client")
        let claims: JSONValue = [
            "iss": "batch", "sub": "batch", "aud": .string(fixture.engine.issuer), "exp": .integer(now + 60),
            "jti": "a-6",
        ]
        func segment(_ value: JSONValue) -> String { Base64URL.encode(value.text.utf8) }
        let unsigned = segment(["alg": "none"]) + "." + segment(claims) + "."
        #expect(try ask(unsigned) == "401 invalid_client")
        let secret = try #require(SharedSecret(fixture.key.publicPEM.utf8)).verifier(for: .hs256)
        let input = segment(["alg": "HS256", "kid": "client-key"]) + "." + segment(claims)
        let code = try #require(secret.authenticationCode(of: Array(input.utf8)[...]))
        #expect(try ask(input + "." + Base64URL.encode(code)) == "401 invalid_client")
    }

    @Test("What is no form, is in the URL or is there twice is refused as RFC 6749 says")
    func forms() throws {
        let fixture = try Fixture()
        func ask(_ body: String, type: String? = "application/x-www-form-urlencoded", query: String = "") -> String {
            var fields = [("Host", "127.0.0.1"), ("Authorization", Fixture.basic("web", "web secret/+:é"))]
            if let type { fields.append(("Content-Type", type)) }
            return TokenAnswer(
                fixture.engine.respond(
                    to: AuthorizationServerRequest("POST", "/token\(query)", fields: fields, body: Array(body.utf8))
                )
            ).refusal
        }
        let good = "grant_type=client_credentials"
        #expect(ask(good) == "200 granted")
        #expect(ask(good, type: "application/x-www-form-urlencoded; charset=UTF-8") == "200 granted")
        #expect(ask(good, type: "application/json") == "400 invalid_request")
        #expect(ask(good, type: nil) == "400 invalid_request")
        #expect(ask("", query: "?\(good)") == "400 invalid_request")
        #expect(ask("\(good)&grant_type=client_credentials") == "400 invalid_request")
        #expect(ask("\(good)&x=%zz") == "400 invalid_request")
        #expect(ask("\(good)&x=%00") == "400 invalid_request")
        #expect(ask("\(good)&x=%ff") == "400 invalid_request")
        #expect(ask("") == "400 invalid_request")
        #expect(ask("grant_type=password&username=a&password=b") == "400 unsupported_grant_type")
        #expect(ask("grant_type=authorization_code") == "400 invalid_request")
        #expect(ask("grant_type=refresh_token") == "400 invalid_request")
        #expect(ask("\(good)&resource=https%3A%2F%2Felsewhere.test") == "400 invalid_target")
    }

    @Test("Introspection tells of good tokens and of no others, to clients that authenticate")
    func introspection() throws {
        let fixture = try Fixture()
        let answer = try fixture.redeem(try fixture.code(["scope": "openid offline_access read"]))
        let token = try #require(answer["access_token"])
        let told = try fixture.post("/introspect", ["token": token])
        #expect(told.members["active"] == true)
        #expect(told["scope"] == "openid offline_access read")
        #expect(told["username"] == "alice" && told["client_id"] == "web" && told["aud"] == "https://api.test")
        let refresh = try #require(answer["refresh_token"])
        #expect(try fixture.post("/introspect", ["token": refresh]).members["active"] == true)
        for other in [try #require(answer["id_token"]), token + "x", "x"] {
            let told = try fixture.post("/introspect", ["token": other])
            #expect(told.status == 200 && told.members.count == 1 && told.members["active"] == false)
        }
        #expect(try fixture.post("/introspect", [:]).refusal == "400 invalid_request")
        #expect(
            try fixture.post("/introspect", ["token": token, "client_id": "phone"], authorization: nil).refusal
                == "401 invalid_client"
        )
        fixture.clock.advance(by: 300)
        #expect(try fixture.post("/introspect", ["token": token]).members["active"] == false)
    }

    @Test("A client withdraws its own tokens, and a refresh token with all that came of it")
    func revocation() throws {
        let fixture = try Fixture()
        func active(_ token: String) throws -> Bool? {
            try fixture.post("/introspect", ["token": token]).members["active"]?.boolValue
        }
        let answer = try fixture.redeem(try fixture.code(["scope": "offline_access read"]))
        let (token, refresh) = (try #require(answer["access_token"]), try #require(answer["refresh_token"]))
        let foreign = try fixture.post("/revoke", ["token": token, "client_id": "phone"], authorization: nil)
        #expect(foreign.refusal == "400 unauthorized_client")
        #expect(try active(token) == true)
        #expect(try fixture.post("/revoke", ["token": token]).status == 200)
        #expect(try active(token) == false && active(refresh) == true)
        #expect(try fixture.post("/revoke", ["token": "unknown"]).status == 200)
        let next = try fixture.token(["grant_type": "refresh_token", "refresh_token": refresh])
        let (newer, newest) = (try #require(next["access_token"]), try #require(next["refresh_token"]))
        #expect(try fixture.post("/revoke", ["token": newest]).status == 200)
        #expect(try active(newer) == false && active(newest) == false)
    }

    @Test("A rotated key signs at once and both are published; a withdrawn one is gone")
    func keys() throws {
        let fixture = try Fixture()
        let old = try #require(fixture.engine.keys.signingKey()?.keyID)
        let new = try #require(try fixture.engine.keys.rotate(.es256).keyID)
        let answer = try fixture.token(["grant_type": "client_credentials"])
        let header = try UnverifiedToken(Array(try #require(answer["access_token"]).utf8)).header
        #expect(header.keyID == new)
        func published() throws -> [String] {
            let request = AuthorizationServerRequest("GET", "/jwks", fields: [("Host", "127.0.0.1")])
            return try JWKSet(fixture.engine.respond(to: request).body).entries.compactMap(\.keyID)
        }
        #expect(try Set(published()) == [old, new])
        fixture.engine.keys.withdraw(keyID: old)
        #expect(try published() == [new])
        // A name is never another key's: caches would take the one for the other.
        fixture.engine.keys.withdraw(keyID: new)
        #expect(try fixture.token(["grant_type": "client_credentials"]).refusal == "500 server_error")
        #expect(try fixture.engine.keys.rotate(.es256).keyID == "ES256-3")
        #expect(try fixture.token(["grant_type": "client_credentials"]).refusal == "200 granted")
    }

    @Test("Both metadata name the issuer and the same endpoints")
    func metadata() throws {
        for shape in AccessTokenShape.allCases {
            let fixture = try Fixture { configuration in
                configuration.accessTokens = shape
                configuration.algorithms = [.rs256]
            }
            let issuer = fixture.engine.issuer
            let path = issuer.dropFirst("http://127.0.0.1:9000".count)
            let base = path == "/" ? "" : String(path)
            var documents: [JSONObject] = []
            for target in [
                "\(base)/.well-known/openid-configuration", "/.well-known/oauth-authorization-server\(base)",
            ] {
                let request = AuthorizationServerRequest("GET", target, fields: [("Host", "127.0.0.1")])
                let answer = TokenAnswer(fixture.engine.respond(to: request))
                #expect(answer.status == 200)
                #expect(answer["issuer"] == issuer)
                #expect(answer["jwks_uri"] == "http://127.0.0.1:9000\(base)/jwks")
                #expect(answer.members["code_challenge_methods_supported"] == ["S256"])
                documents.append(answer.members)
                for member in answer.members.members {
                    guard let url = member.value.stringValue, member.name != "issuer" else { continue }
                    let path = String(url.dropFirst("http://127.0.0.1:9000".count))
                    #expect(fixture.engine.endpoint(at: path) != nil, "\(member.name)")
                }
            }
            #expect(documents.first == documents.last)
        }
    }
}
#endif
