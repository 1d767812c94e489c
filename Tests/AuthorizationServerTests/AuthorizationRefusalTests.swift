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
        for host in ["rebound.test", "127.0.0.1.evil.test", "", "localhost.evil.test:9000"] {
            #expect(ask("GET", "/jwks", host: host).status == 421)
        }
        #expect(ask("GET", "/jwks", host: nil).status == 421)
        for host in ["localhost", "[::1]:9000", "127.0.0.1"] { #expect(ask("GET", "/jwks", host: host).status == 200) }
    }
}
#endif
