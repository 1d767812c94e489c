// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

private typealias Fixture = AuthorizationServerFixture

@Suite("Requests for a code that are refused")
struct AuthorizationRefusalTests {
    @Test(
        "A client that is not known, or an address that is not its own to the letter, is told to the user alone",
        arguments: [
            ["client_id": nil], ["client_id": "webb"], ["redirect_uri": nil],
            ["redirect_uri": "https://app.test/callback"], ["redirect_uri": "https://app.test/callback?kept=1&more=2"],
            ["redirect_uri": "https://app.test/callback?kept=1#x"],
            ["redirect_uri": "HTTPS://app.test/callback?kept=1"],
            ["redirect_uri": "https://app.test.evil.test/callback?kept=1"],
        ] as [[String: String?]]
    )
    func page(_ changes: [String: String?]) throws {
        let fixture = try Fixture()
        var parameters = Fixture.parameters()
        for (name, value) in changes {
            parameters.removeAll { $0.name == name }
            if let value { parameters.append((name, value)) }
        }
        let response = TestBrowser(fixture.engine).authorize(parameters)
        #expect(response.status == 400)
        #expect(response.location == nil)
        #expect(response.text.contains("role=\"alert\""))
    }

    @Test(
        "Everything else is told to the client, with its state",
        arguments: [
            ("response_type", nil, "invalid_request"), ("response_type", "token", "unsupported_response_type"),
            ("response_type", "code id_token", "unsupported_response_type"),
            ("response_mode", "fragment", "invalid_request"), ("request", "eyJ", "request_not_supported"),
            ("request_uri", "https://x", "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"), ("scope", "openid admin", "invalid_scope"),
            ("scope", "  ", "invalid_scope"), ("resource", "https://other.test", "invalid_target"),
            ("code_challenge_method", "plain", "invalid_request"), ("code_challenge_method", nil, "invalid_request"),
            ("code_challenge", "short", "invalid_request"), ("code_challenge", nil, "invalid_request"),
            ("prompt", "none login", "invalid_request"), ("prompt", "maybe", "invalid_request"),
            ("prompt", "none", "login_required"), ("max_age", "-1", "invalid_request"),
            ("max_age", "99999999999999999999", "invalid_request"), ("max_age", "1e3", "invalid_request"),
        ] as [(String, String?, String)]
    )
    func redirect(_ name: String, _ value: String?, _ error: String) throws {
        let fixture = try Fixture()
        let told = TestBrowser(fixture.engine).authorize(Fixture.parameters([name: value])).told
        #expect(told?["error"] == error)
        #expect(told?["state"] == "s&1")
        #expect(told?["iss"] == fixture.engine.issuer)
        #expect(told?["code"] == nil)
    }

    @Test(
        "A parameter that is there twice is refused, and where it names who is to be told, to the user",
        arguments: ["state", "scope", "nonce", "unknown", "code_challenge"]
    )
    func repeated(_ name: String) throws {
        let fixture = try Fixture()
        let parameters = Fixture.parameters([name: "a"]) + [(name: name, value: "b")]
        #expect(TestBrowser(fixture.engine).authorize(parameters).told?["error"] == "invalid_request")
        for fatal in ["client_id", "redirect_uri"] {
            let twice = Fixture.parameters() + [(name: fatal, value: "web")]
            #expect(TestBrowser(fixture.engine).authorize(twice).status == 400)
        }
    }

    @Test("A public client must use PKCE; a confidential one may leave it")
    func publicClients() throws {
        let fixture = try Fixture()
        func ask(_ client: String) -> AuthorizationServerResponse {
            TestBrowser(fixture.engine).authorize(
                Fixture.parameters(["client_id": client, "code_challenge": nil, "code_challenge_method": nil])
            )
        }
        #expect(ask("phone").told?["error"] == "invalid_request")
        #expect(ask("web").text.contains("<h1>Sign in</h1>"))
    }

    @Test("A form of another browser, another site or another time changes nothing")
    func forgedForms() throws {
        let fixture = try Fixture()
        let victim = TestBrowser(fixture.engine)
        let attacker = TestBrowser(fixture.engine)
        let page = victim.authorize(Fixture.parameters())
        _ = attacker.authorize(Fixture.parameters())
        // The attacker's own cookie with the victim's form.
        #expect(try attacker.signIn(page).status == 403)
        // The victim's cookie without the form token, as another site would send it.
        let interaction = try #require(page.text.firstMatch(of: /name="interaction" value="([^"]+)"/)).1
        let blind = victim.send(
            "POST",
            "/sign-in",
            [("interaction", String(interaction)), ("username", "alice"), ("password", "wonderland")]
        )
        #expect(blind.status == 403)
        let consent = try victim.signIn(page)
        // Signing in changed cookie and form token.
        #expect(try victim.signIn(page).status == 403)
        let allowed = victim.send("POST", "/consent", [("interaction", String(interaction)), ("decision", "allow")])
        #expect(allowed.status == 403)
        fixture.clock.advance(by: 601)
        #expect(try victim.submit(consent, ["decision": "allow"]).status == 403)
    }

    @Test("Pages escape what users and clients wrote, load nothing, and are framed by nobody")
    func pages() throws {
        let fixture = try Fixture { configuration in
            configuration.clients[0].name = "<script>alert(1)</script>"
        }
        let browser = TestBrowser(fixture.engine)
        let page = browser.authorize(Fixture.parameters(["login_hint": "\"><script>x</script>"]))
        #expect(!page.text.contains("<script>"))
        #expect(page.text.contains("&lt;script&gt;alert(1)"))
        let policy = page.fields.first { $0.name == "Content-Security-Policy" }?.value
        #expect(policy?.contains("default-src 'none'") == true)
        #expect(policy?.contains("frame-ancestors 'none'") == true)
        #expect(policy?.contains("form-action 'self' https://app.test") == true)
        #expect(page.text.contains("for development only"))
        let cookie = page.fields.first { $0.name == "Set-Cookie" }?.value
        #expect(cookie?.hasSuffix("; Path=/; HttpOnly; SameSite=Lax") == true)
    }

    @Test(
        "Scripts of an application's own origin may read tokens, of any origin metadata and keys, and of no other more"
    )
    func crossOrigin() throws {
        let fixture = try Fixture()
        func ask(_ method: String, _ path: String, _ origin: String) -> [String: String] {
            let fields = [
                ("Host", "127.0.0.1:9000"), ("Origin", origin), ("Access-Control-Request-Method", "POST"),
            ]
            let response = fixture.engine.respond(to: AuthorizationServerRequest(method, path, fields: fields))
            return Dictionary(response.fields.map { ($0.name, $0.value) }) { $1 }
        }
        let allowed = "Access-Control-Allow-Origin"
        #expect(ask("GET", "/jwks", "https://any.test")[allowed] == "*")
        #expect(ask("GET", "/.well-known/openid-configuration", "https://any.test")[allowed] == "*")
        for path in ["/token", "/userinfo", "/revoke"] {
            let answer = ask("OPTIONS", path, "https://app.test")
            #expect(answer[allowed] == "https://app.test" && answer["Vary"] == "Origin")
            #expect(answer["Access-Control-Allow-Headers"] == "Authorization, Content-Type")
            for other in ["https://app.test.evil.test", "https://app.tes", "http://app.test", "null"] {
                #expect(ask("OPTIONS", path, other)[allowed] == nil)
                #expect(ask("POST", path, other)[allowed] == nil)
            }
        }
        for path in ["/authorize", "/sign-in", "/consent", "/introspect", "/logout", "/"] {
            #expect(ask("OPTIONS", path, "https://app.test")[allowed] == nil)
            #expect(ask("GET", path, "https://app.test")[allowed] == nil)
        }
    }

    @Test(
        "A page's policy names where its form leads to in a form that browsers understand",
        arguments: [
            ("https://app.test/cb?x=1", "https://app.test"), ("http://localhost:3000?x=1", "http://localhost:3000"),
            ("http://[::1]:3000/cb", "http:"), ("com.example.app:/cb", "com.example.app:"), ("urn:x;y", "urn:"),
            ("https://app.test;evil/cb", "https:"),
        ]
    )
    func formTargets(_ uri: String, _ target: String) throws {
        let fixture = try Fixture { $0.clients[0].redirectURIs = [uri] }
        let page = TestBrowser(fixture.engine).authorize(Fixture.parameters(["redirect_uri": uri]))
        let policy = page.fields.first { $0.name == "Content-Security-Policy" }?.value
        #expect(policy?.hasSuffix("; form-action 'self' \(target)") == true)
    }

    @Test("What would have to be kept is refused where it is large")
    func sizes() throws {
        let fixture = try Fixture()
        let large = String(repeating: "x", count: 4097)
        for name in ["state", "nonce", "login_hint"] {
            let told = TestBrowser(fixture.engine).authorize(Fixture.parameters([name: large])).told
            #expect(told?["error"] == "invalid_request")
            let fits = TestBrowser(fixture.engine).authorize(Fixture.parameters([name: String(large.dropLast())]))
            #expect(fits.status == 200)
        }
    }

    @Test("A wrong method is 405 with the right ones, another path 404, and another host's name 421")
    func routes() throws {
        let fixture = try Fixture()
        func ask(_ method: String, _ path: String, host: String? = "127.0.0.1:9000") -> AuthorizationServerResponse {
            let fields = host.map { [("Host", $0)] } ?? []
            return fixture.engine.respond(to: AuthorizationServerRequest(method, path, fields: fields))
        }
        #expect(ask("GET", "/token").status == 405)
        #expect(ask("GET", "/token").fields.contains { $0 == ("Allow", "POST") })
        #expect(ask("DELETE", "/authorize").fields.contains { $0 == ("Allow", "GET, POST") })
        #expect(ask("GET", "/nowhere").status == 404)
        #expect(ask("HEAD", "/jwks").status == 200)
        for host in [
            "rebound.test", "127.0.0.1.evil.test", "", "localhost.evil.test:9000", "[::1]evil.test", "localhost:x",
        ] {
            #expect(ask("GET", "/jwks", host: host).status == 421)
        }
        #expect(ask("GET", "/jwks", host: nil).status == 421)
        for host in ["localhost", "[::1]:9000", "127.0.0.1"] { #expect(ask("GET", "/jwks", host: host).status == 200) }
    }
}
#endif
