// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

private typealias Fixture = AuthorizationServerFixture

@Suite("Requests that nobody should send")
struct GeneratedRequestTests {
    private static let names = [
        "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method", "prompt", "max_age", "resource", "grant_type", "code", "code_verifier",
        "refresh_token", "client_secret", "client_assertion", "client_assertion_type", "token", "token_type_hint",
        "interaction", "form_token", "username", "password", "decision", "id_token_hint",
        "post_logout_redirect_uri", "name", "email", "x",
    ]

    private static let values = [
        "", "code", "token", "web", "phone", "batch", "nobody", Fixture.callback, "https://evil.test/", "openid",
        "openid read", "read", "admin", " ", "S256", "plain", Fixture.challenge, Fixture.verifier, "none", "login",
        "consent", "0", "-1", "99999999999999999999", "null", "[]", "{\"a\":1}", "true", "authorization_code",
        "refresh_token", "client_credentials", "password", "web secret/+:é", "https://api.test",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "eyJhbGciOiJub25lIn0.e30.", "a.b.c", "\u{FFFD}",
        "<script>alert(1)</script>", "'; DROP TABLE users; --", "../../etc/passwd", "allow", "deny", "alice",
        String(repeating: "A", count: 5000), "%0d%0aSet-Cookie: a=b", "\u{202E}x", "é",
    ]

    private static let oddMethods = ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", ""]

    /// One request; nothing in it is promised to fit.
    ///
    /// - Parameters:
    ///   - cookie: that of a browser that is on the sign-in page.
    ///   - ownForm: what that page's form carries.
    private static func request(
        _ generator: inout SeededGenerator,
        cookie: String,
        ownForm: [String]
    ) -> AuthorizationServerRequest {
        func pick<Element>(_ elements: [Element], _ generator: inout SeededGenerator) -> Element? {
            elements.randomElement(using: &generator)
        }
        let endpoint = pick(LocalAuthorizationServer.Endpoint.allCases, &generator)?.rawValue ?? "/"
        var pairs: [String] = []
        // Half of them begin as a good request, so that the checks behind the first ones are reached.
        if Bool.random(using: &generator) {
            let good =
                endpoint == "/authorize" ? Fixture.parameters() : [(name: "grant_type", value: "client_credentials")]
            pairs = good.filter { _ in Int.random(in: 0..<12, using: &generator) > 0 }.map {
                PercentEncoding.form([$0])
            }
        }
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let name = pick(names, &generator) ?? ""
            let value = pick(values, &generator) ?? ""
            let isEncoded = Int.random(in: 0..<10, using: &generator) > 0
            let pair = "\(name)=\(isEncoded ? PercentEncoding.encode(value) : value)"
            pairs += Array(repeating: pair, count: Int.random(in: 0..<12, using: &generator) == 0 ? 2 : 1)
        }
        if Bool.random(using: &generator) { pairs += ownForm }
        if Int.random(in: 0..<20, using: &generator) == 0 { pairs.append("%") }
        if Int.random(in: 0..<40, using: &generator) == 0 { pairs += Array(repeating: "a=b", count: 100) }
        let text = pairs.joined(separator: "&")
        let method =
            Int.random(in: 0..<10, using: &generator) == 0
            ? pick(oddMethods, &generator) ?? "" : Bool.random(using: &generator) ? "GET" : "POST"
        let isQuery = Int.random(in: 0..<10, using: &generator) == 0 ? method == "POST" : method != "POST"
        var fields: [(String, String)] = []
        if Int.random(in: 0..<20, using: &generator) > 0 { fields.append(("Host", "127.0.0.1:9000")) }
        let types = ["application/x-www-form-urlencoded", "application/json", "text/plain", ";", ""]
        if Int.random(in: 0..<4, using: &generator) > 0 {
            fields.append(("Content-Type", pick(types, &generator) ?? ""))
        }
        let credentials = [
            Fixture.basic("web", "web secret/+:é"), "Basic ", "Basic ====", "Basic !!!!", "Bearer", "Bearer a b",
            "Digest x", "Basic Og==", "basic d2ViOg==",
        ]
        if Bool.random(using: &generator) {
            fields.append(("Authorization", pick(credentials, &generator) ?? ""))
        }
        let cookies = [
            cookie, cookie, cookie, "bearerguard_issuer_9000=x", "=", ";;;", "bearerguard_issuer_9000", "a=b; c",
        ]
        if Bool.random(using: &generator) { fields.append(("Cookie", pick(cookies, &generator) ?? "")) }
        var body = isQuery ? [] : Array(text.utf8)
        if Int.random(in: 0..<20, using: &generator) == 0 {
            body += (0..<64).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }
        return AuthorizationServerRequest(
            method,
            isQuery ? "\(endpoint)?\(text)" : endpoint,
            fields: fields,
            body: body
        )
    }

    @Test("10 000 of them get an answer that its RFC knows, no token, and nobody else's redirect")
    func generated() throws {
        let fixture = try Fixture()
        let errors: Set<String> = [
            "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
            "invalid_scope", "invalid_target",
        ]
        let redirected: Set<String> = [
            "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "invalid_target",
            "login_required",
        ]
        var generator = SeededGenerator(seed: 6)
        var statuses: [Int: Int] = [:]
        let browser = TestBrowser(fixture.engine)
        let page = browser.authorize(Fixture.parameters())
        let ownForm = page.text.matches(of: /<input type="hidden" name="([^"]+)" value="([^"]*)">/).map {
            "\($0.1)=\($0.2)"
        }
        #expect(ownForm.count == 2)
        let cookie = try #require(browser.cookie)
        for number in 0..<10_000 {
            let request = Self.request(&generator, cookie: cookie, ownForm: ownForm)
            let response = fixture.engine.respond(to: request)
            statuses[response.status, default: 0] += 1
            let place = Comment("request \(number): \(request.method) \(request.path)")
            #expect([200, 303, 400, 401, 403, 404, 405, 421].contains(response.status), place)
            for (name, value) in response.fields {
                #expect(!value.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "\(place) \(name)")
            }
            if let location = response.location {
                // A form of another site is asked again by GET; everything else leads to the client alone.
                let isRestated = location.hasPrefix("http://127.0.0.1:9000\(request.path)") && request.method == "POST"
                #expect(location.hasPrefix(Fixture.callback) || isRestated, place)
            }
            #expect(!response.text.contains("<script>alert"), place)
            if let error = response.told?["error"] { #expect(redirected.contains(error), place) }
            let answer = TokenAnswer(response)
            if let error = answer["error"] { #expect(errors.contains(error), place) }
            if response.status == 200, request.path == "/token" {
                // Only where the generator happened on a client's whole credentials.
                #expect(answer["access_token"] != nil && answer["refresh_token"] == nil, place)
            }
            if response.status == 405 { #expect(response.fields.contains { $0.name == "Allow" }, place) }
        }
        // Every kind of answer was reached: the requests are not all refused at the door.
        for status in [200, 303, 400, 401, 403, 405, 421] { #expect(statuses[status, default: 0] > 20, "\(status)") }
        print("generated requests: \(statuses.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" })")
        // And afterwards it still serves.
        #expect(try fixture.redeem(try fixture.code()).refusal == "200 granted")
    }

    @Test("2000 orders to the administration are done or refused, whatever is in them")
    func administration() throws {
        let fixture = try Fixture()
        let administration = Administration(engine: fixture.engine, script: { _, _ in }, count: { _ in 0 })
        let paths = ["rotate-key", "withdraw-key", "cache-control", "token", "sign-in", "script", "count", "odd", ""]
        let names = [
            "alg", "kid", "value", "scopes", "user", "client", "lifetime", "claims", "header", "flaw", "endpoint",
            "answers", "do", "status", "bytes", "milliseconds", "by", "x",
        ]
        let values: [JSONValue] = [
            "ES256", "HS256", "ES256-1", "read", "alice", "web", "expired", "/jwks", "/token", .null, true, 0, -1,
            .integer(.min), .integer(.max), 1.5, [], ["read"], [1], [["do": "hang"]],
            [["do": "oversize", "bytes": -1]],
            [["do": "drip", "milliseconds": .integer(.max)]], [["do": "misstate", "by": .integer(.min)]], [:],
            ["sub": .null], ["exp": .integer(.min)], "",
        ]
        var generator = SeededGenerator(seed: 7)
        var statuses: [Int: Int] = [:]
        for number in 0..<2000 {
            var members: [String: JSONValue] = [:]
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                members[names.randomElement(using: &generator) ?? "x"] = values.randomElement(using: &generator)
            }
            let path = paths.randomElement(using: &generator) ?? ""
            // Keys cost time, and are not what is tried here.
            if path == "rotate-key", members["alg"] == nil { members["x"] = true }
            let request = AuthorizationServerRequest(
                Int.random(in: 0..<20, using: &generator) == 0 ? "GET" : "POST",
                "/admin/\(path)",
                fields: [("Content-Type", "application/json")],
                body: Array(JSONValue.object(members).text.utf8)
            )
            let status = administration.respond(to: request).status
            statuses[status, default: 0] += 1
            #expect([200, 400, 405].contains(status), "order \(number): \(path) \(members)")
        }
        for status in [200, 400, 405] { #expect(statuses[status, default: 0] > 20, "\(status)") }
    }
}
#endif
