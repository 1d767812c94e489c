// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

private typealias Fixture = AuthorizationServerFixture

@Suite("The authorization code flow")
struct AuthorizationCodeTests {
    @Test("Sign-in, consent, code and exchange give an access token, an ID token and on request a refresh token")
    func wholeFlow() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        let signIn = browser.authorize(Fixture.parameters(["scope": "openid profile email offline_access read"]))
        #expect(signIn.status == 200 && signIn.text.contains("<h1>Sign in</h1>"))
        let consent = try browser.signIn(signIn)
        #expect(consent.status == 200 && consent.text.contains("<code>read</code>"))
        let told = try #require(try browser.submit(consent, ["decision": "allow"]).told)
        #expect(told["state"] == "s&1")
        #expect(told["iss"] == fixture.engine.issuer)
        let answer = try fixture.redeem(try #require(told["code"]))
        #expect(answer.refusal == "200 granted")
        #expect(answer["token_type"] == "Bearer")
        #expect(answer["scope"] == "openid profile email offline_access read")
        #expect(answer.members["expires_in"] == 300)
        #expect(answer.fields.contains { $0 == ("Cache-Control", "no-store") })
        #expect(answer["refresh_token"] != nil)
        let claims = try Self.claims(try #require(answer["id_token"]))
        #expect(claims["aud"] == "web")
        #expect(claims["nonce"] == "n-1")
        #expect(claims["sub"] == "user-alice")
        #expect(claims["name"] == "Alice <b>Liddell</b>")
        let token = try #require(answer["access_token"])
        let hash = Base64URL.encode(SHA256.hash(token.utf8).prefix(16))
        #expect(claims["at_hash"] == .string(hash))
    }

    private static func claims(_ token: String) throws -> JSONObject {
        try UnverifiedToken(Array(token.utf8)).unverifiedClaims.get()
    }

    @Test("Without the scopes openid and offline_access there is no ID token and no refresh token")
    func onRequestOnly() throws {
        let fixture = try Fixture()
        let answer = try fixture.redeem(try fixture.code(["scope": "read"]))
        #expect(answer["access_token"] != nil)
        #expect(answer["id_token"] == nil)
        #expect(answer["refresh_token"] == nil)
    }

    @Test(
        "Access tokens of every shape pass a guard that knows the provider, and the ID tokens do not",
        arguments: AccessTokenShape.allCases
    )
    func shapes(_ shape: AccessTokenShape) async throws {
        let fixture = try Fixture { configuration in
            configuration.accessTokens = shape
            configuration.algorithms = [.rs256]
        }
        let browser = TestBrowser(fixture.engine)
        let path = fixture.engine.issuer.dropFirst("http://127.0.0.1:9000".count)
        let base = path == "/" ? "" : String(path)
        var page = browser.send("GET", "\(base)/authorize?" + PercentEncoding.form(Fixture.parameters()))
        page = try browser.signIn(page)
        let code = try #require(try browser.submit(page, ["decision": "allow"]).told?["code"])
        let answer = try fixture.post(
            "\(base)/token",
            [
                "grant_type": "authorization_code", "code": code, "redirect_uri": Fixture.callback,
                "code_verifier": Fixture.verifier,
            ]
        )
        let policy = try ValidationPolicy(
            issuer: fixture.engine.issuer,
            audience: shape == .cognito ? ["web"] : ["https://api.test"],
            algorithms: [.rs256],
            preset: shape.preset,
            acceptedTokens: shape == .rfc9068 ? .rfc9068 : .accessToken
        )
        let keys = try StaticKeys(JWKSet(fixture.engine.keys.keySet.utf8))
        let requestGuard = try RequestGuard(
            issuers: [TrustedIssuer(policy: policy, keys: keys)],
            clock: fixture.clock.wall
        )
        func decide(_ name: String) async throws -> Decision {
            let credentials = RequestCredentials(authorization: "Bearer \(try #require(answer[name]))")
            return await requestGuard.authorize(credentials, requiring: .scopes("read"))
        }
        let decision = try await decide("access_token")
        #expect(decision.refusal == nil)
        #expect(decision.accessToken?.roles == (shape == .rfc9068 ? [] : ["reader"]))
        #expect(try await decide("id_token").refusal?.code == .wrongType)
        // Whoever knows the user by one of them knows them by all.
        let access = try Self.claims(try #require(answer["access_token"]))
        let name = try Self.claims(try #require(answer["id_token"]))["sub"]
        #expect(access[shape == .okta ? "uid" : "sub"] == name)
        let userinfo = fixture.engine.respond(
            to: AuthorizationServerRequest(
                "GET",
                "\(base)/userinfo",
                fields: [("Host", "localhost"), ("Authorization", "Bearer \(answer["access_token"] ?? "")")]
            )
        )
        #expect(TokenAnswer(userinfo).members["sub"] == name)
        // And what the server mints on demand looks the same.
        var minting = AuthorizationServerEngine.Minting(lifetime: 60)
        minting.user = LocalAuthorizationServer.User("alice", password: "")
        minting.user?.email = "alice@example.test"
        minting.user?.roles = ["reader"]
        minting.scopes = ["openid", "read"]
        minting.clientID = "web"
        let minted = fixture.engine.mint(minting)
        let names = { (claims: JSONObject) in Set(claims.members.map(\.name)) }
        #expect(try names(Self.claims(minted)) == names(access))
        let judged = await requestGuard.authorize(RequestCredentials(authorization: "Bearer \(minted)"))
        #expect(judged.refusal == nil)
        for flaw in TestIssuer.Flaw.allCases {
            minting.flaw = flaw
            let credentials = RequestCredentials(authorization: "Bearer \(fixture.engine.mint(minting))")
            #expect(await requestGuard.authorize(credentials).refusal?.code == flaw.code, "\(flaw)")
        }
    }

    @Test("A browser that is signed in and has consented is sent back at once, one that has not is asked")
    func remembered() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        _ = try browser.obtainCode(Fixture.parameters())
        #expect(browser.authorize(Fixture.parameters()).told?["code"] != nil)
        #expect(browser.authorize(Fixture.parameters(["prompt": "none"])).told?["code"] != nil)
        let more = browser.authorize(Fixture.parameters(["scope": "openid read write"]))
        #expect(more.text.contains("<h1>Allow access?</h1>"))
        #expect(browser.authorize(Fixture.parameters(["prompt": "consent"])).text.contains("<h1>Allow access?</h1>"))
        #expect(browser.authorize(Fixture.parameters(["prompt": "login"])).text.contains("<h1>Sign in</h1>"))
        #expect(browser.authorize(Fixture.parameters(["max_age": "0"])).text.contains("<h1>Sign in</h1>"))
        #expect(browser.authorize(Fixture.parameters(["max_age": "60"])).told?["code"] != nil)
        fixture.clock.advance(by: 61)
        #expect(browser.authorize(Fixture.parameters(["max_age": "60"])).text.contains("<h1>Sign in</h1>"))
    }

    @Test("Signing in again because of prompt=login is enough")
    func signInAgain() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        _ = try browser.obtainCode(Fixture.parameters())
        let again = browser.authorize(Fixture.parameters(["prompt": "login"]))
        #expect(try browser.signIn(again).told?["code"] != nil)
    }

    @Test("Somebody new registers, and is signed in")
    func registration() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        let page = browser.authorize(Fixture.parameters())
        let link = try #require(page.text.firstMatch(of: /href="([^"]+sign-up[^"]+)"/)).1
        let form = browser.send("GET", String(link))
        let taken = try browser.submit(form, ["username": "alice", "password": "x"])
        #expect(taken.status == 400 && taken.text.contains("This user name is taken."))
        let consent = try browser.submit(taken, ["username": "bob", "password": "builder", "name": "Bob"])
        #expect(consent.text.contains("<h1>Allow access?</h1>"))
        let code = try #require(try browser.submit(consent, ["decision": "allow"]).told?["code"])
        let claims = try Self.claims(try #require(try fixture.redeem(code)["access_token"]))
        #expect(claims["sub"] == "user-bob")
        let closed = try Fixture { $0.allowsRegistration = false }
        let other = TestBrowser(closed.engine)
        #expect(!other.authorize(Fixture.parameters()).text.contains("sign-up"))
        #expect(other.send("GET", "/sign-up").status == 404)
    }

    @Test("A user who denies sends the client away with access_denied")
    func denied() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        let consent = try browser.signIn(browser.authorize(Fixture.parameters()))
        let told = try browser.submit(consent, ["decision": "deny"]).told
        #expect(told?["error"] == "access_denied")
        #expect(told?["state"] == "s&1")
        #expect(told?["code"] == nil)
    }

    @Test("A wrong password is told, and the next try goes on")
    func wrongPassword() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        let page = browser.authorize(Fixture.parameters())
        let wrong = try browser.submit(page, ["username": "alice", "password": "wonderlan"])
        #expect(wrong.status == 400 && wrong.text.contains("The user name or the password is wrong."))
        #expect(try browser.signIn(wrong).text.contains("<h1>Allow access?</h1>"))
    }

    @Test("Userinfo answers to the access token, by its scopes, until the token ends")
    func userinfo() throws {
        let fixture = try Fixture()
        let token = try #require(try fixture.redeem(try fixture.code(["scope": "openid email"]))["access_token"])
        func ask(_ authorization: String) -> AuthorizationServerResponse {
            let fields = [("Host", "localhost:9000"), ("Authorization", authorization)]
            return fixture.engine.respond(to: AuthorizationServerRequest("GET", "/userinfo", fields: fields))
        }
        let claims = TokenAnswer(ask("Bearer \(token)"))
        #expect(claims.status == 200)
        #expect(claims["sub"] == "user-alice")
        #expect(claims["email"] == "alice@example.test")
        #expect(claims["name"] == nil)
        #expect(ask("Bearer x\(token)").status == 401)
        // Another scheme is as good as no token; a broken bearer token is not.
        #expect(ask("Basic eDp5").status == 401)
        #expect(ask("Bearer a b").status == 400)
        let plain = try #require(try fixture.redeem(try fixture.code(["scope": "read"]))["access_token"])
        #expect(ask("Bearer \(plain)").status == 403)
        fixture.clock.advance(by: 300)
        #expect(ask("Bearer \(token)").status == 401)
    }

    @Test(
        "Signing out with the ID token goes back to the application, and ends session, codes and tokens but offline ones"
    )
    func logout() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        let offline = try fixture.redeem(
            try #require(try browser.obtainCode(Fixture.parameters(["scope": "openid offline_access"]))["code"])
        )
        let online = try fixture.redeem(try #require(try browser.obtainCode(Fixture.parameters())["code"]))
        let pending = try #require(browser.authorize(Fixture.parameters()).told?["code"])
        // Signing in again as the same user goes on with the same session.
        let again = try browser.signIn(browser.authorize(Fixture.parameters(["prompt": "login"])))
        let last = try fixture.redeem(try #require(again.told?["code"]))
        let parameters = [
            (name: "id_token_hint", value: try #require(last["id_token"])), (name: "client_id", value: "web"),
            (name: "post_logout_redirect_uri", value: "https://app.test/bye"), (name: "state", value: "x y"),
        ]
        let out = browser.send("GET", "/logout?" + PercentEncoding.form(parameters))
        #expect(out.location == "https://app.test/bye?state=x%20y")
        #expect(browser.authorize(Fixture.parameters()).text.contains("<h1>Sign in</h1>"))
        #expect(try fixture.redeem(pending).refusal == "400 invalid_grant")
        let token = try #require(online["access_token"])
        #expect(try fixture.post("/introspect", ["token": token]).members["active"] == false)
        let refresh = try #require(offline["refresh_token"])
        let refreshed = try fixture.token(["grant_type": "refresh_token", "refresh_token": refresh])
        #expect(refreshed.refusal == "200 granted")
        // An ID token for a refresh has no nonce: it answers no request.
        #expect(try Self.claims(try #require(refreshed["id_token"]))["nonce"] == nil)
    }

    @Test("A sign-out that is confirmed leads back, and an ID token of another client is refused")
    func logoutConfirmed() throws {
        let fixture = try Fixture()
        let (browser, other) = (TestBrowser(fixture.engine), TestBrowser(fixture.engine))
        _ = try browser.obtainCode(Fixture.parameters())
        let foreign = try fixture.redeem(try #require(try other.obtainCode(Fixture.parameters())["code"]))
        let hint = (name: "id_token_hint", value: try #require(foreign["id_token"]))
        let back = (name: "post_logout_redirect_uri", value: "https://app.test/bye")
        let asked = browser.send("GET", "/logout?" + PercentEncoding.form([hint, back]))
        #expect(asked.text.contains("<h1>Sign out?</h1>"))
        let policy = asked.fields.first { $0.name == "Content-Security-Policy" }?.value
        #expect(policy?.hasSuffix("form-action 'self' https://app.test") == true)
        #expect(try browser.submit(asked, [:]).location == "https://app.test/bye")
        let mismatch = [hint, back, (name: "client_id", value: "phone")]
        #expect(browser.send("GET", "/logout?" + PercentEncoding.form(mismatch)).status == 400)
    }

    @Test(
        "A form that another site sends is asked again by GET, and nobody is signed out by it",
        arguments: ["/authorize", "/logout"]
    )
    func postByAnotherSite(_ path: String) throws {
        let fixture = try Fixture()
        let parameters = [(name: "client_id", value: "web"), (name: "state", value: "a b&c")]
        // As the browser sends it: without the cookie that it has.
        let response = TestBrowser(fixture.engine).send("POST", path, parameters)
        #expect(response.location == "http://127.0.0.1:9000\(path)?client_id=web&state=a%20b%26c")
        #expect(!response.fields.contains { $0.name == "Set-Cookie" })
    }

    @Test("What one user allowed is asked of the next one, and prompts ask as they say")
    func consents() throws {
        let fixture = try Fixture { $0.users.append(.init("bob", password: "builder")) }
        let browser = TestBrowser(fixture.engine)
        _ = try browser.obtainCode(Fixture.parameters())
        #expect(browser.authorize(Fixture.parameters(["prompt": "select_account"])).text.contains("<h1>Sign in</h1>"))
        let silent = browser.authorize(Fixture.parameters(["prompt": "none", "scope": "openid read write"]))
        #expect(silent.told?["error"] == "consent_required")
        let consent = browser.authorize(Fixture.parameters(["prompt": "consent", "max_age": "2"]))
        #expect(consent.text.contains("<h1>Allow access?</h1>"))
        fixture.clock.advance(by: 3)
        let signIn = try browser.submit(consent, ["decision": "allow"])
        #expect(signIn.text.contains("<h1>Sign in</h1>"))
        let asked = try browser.submit(signIn, ["username": "bob", "password": "builder"])
        #expect(asked.text.contains("<h1>Allow access?</h1>") && asked.text.contains("<strong>bob</strong>"))
    }

    @Test("A client that asks about one user is told nothing about another")
    func hintedUser() throws {
        let fixture = try Fixture { $0.users.append(.init("bob", password: "builder")) }
        let (alice, bob) = (TestBrowser(fixture.engine), TestBrowser(fixture.engine))
        let answer = try fixture.redeem(try #require(try alice.obtainCode(Fixture.parameters())["code"]))
        let hint = try #require(answer["id_token"])
        let page = bob.authorize(Fixture.parameters())
        let consent = try bob.submit(page, ["username": "bob", "password": "builder"])
        #expect(try bob.submit(consent, ["decision": "allow"]).told?["code"] != nil)
        func ask(_ browser: TestBrowser, _ prompt: String?) -> AuthorizationServerResponse {
            browser.authorize(Fixture.parameters(["id_token_hint": hint, "prompt": prompt]))
        }
        #expect(ask(alice, "none").told?["code"] != nil)
        #expect(ask(bob, "none").told?["error"] == "login_required")
        let again = try bob.submit(ask(bob, nil), ["username": "bob", "password": "builder"])
        #expect(again.told?["error"] == "login_required")
        let odd = alice.authorize(Fixture.parameters(["id_token_hint": hint + "x"]))
        #expect(odd.told?["error"] == "invalid_request")
    }

    @Test("Signing out without an ID token asks first, and never leads to an address that was not registered")
    func logoutAsks() throws {
        let fixture = try Fixture()
        let browser = TestBrowser(fixture.engine)
        _ = try browser.obtainCode(Fixture.parameters())
        let asked = browser.send("GET", "/logout")
        #expect(asked.text.contains("<h1>Sign out?</h1>"))
        #expect(browser.authorize(Fixture.parameters()).told?["code"] != nil)
        let elsewhere = "/logout?client_id=web&post_logout_redirect_uri=https%3A%2F%2Fapp.test%2Fbye%2F"
        #expect(browser.send("GET", elsewhere).status == 400)
        #expect(try browser.submit(asked, [:]).text.contains("<h1>Signed out</h1>"))
        #expect(browser.authorize(Fixture.parameters()).text.contains("<h1>Sign in</h1>"))
    }
}

extension TestIssuer.Flaw {
    /// The reason that a token with this flaw is refused for.
    fileprivate var code: RejectionCode {
        switch self {
        case .expired: .expired
        case .notYetValid: .notYetValid
        case .wrongIssuer: .wrongIssuer
        case .wrongAudience: .wrongAudience
        case .idToken: .wrongType
        case .algorithmNone, .publicKeyAsSecret: .unsupportedAlgorithm
        case .forgedKey: .badSignature
        }
    }
}
#endif
