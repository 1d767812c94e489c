// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

/// A local authorization server without a socket, with a client of each kind.
struct AuthorizationServerFixture {
    static let callback = "https://app.test/callback?kept=1"
    /// The verifier of RFC 7636 appendix B, and its challenge.
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    let clock = ManualClock()
    let engine: AuthorizationServerEngine
    let key: SigningKey

    init(_ change: (inout LocalAuthorizationServer.Configuration) -> Void = { _ in }) throws {
        key = try SigningKey(.es256, keyID: "client-key")
        var configuration = LocalAuthorizationServer.Configuration()
        var web = LocalAuthorizationServer.Client("web", authentication: .secret("web secret/+:é"))
        web.redirectURIs = [Self.callback]
        web.postLogoutRedirectURIs = ["https://app.test/bye"]
        web.grantTypes = [.authorizationCode, .refreshToken, .clientCredentials]
        var phone = LocalAuthorizationServer.Client("phone", authentication: .none)
        phone.redirectURIs = [Self.callback]
        let keySet = JSONValue.object([("keys", .array([key.jwk]))])
        let batch = LocalAuthorizationServer.Client(
            "batch",
            authentication: .privateKey(try JWKSet(keySet.text.utf8)),
            grantTypes: [.clientCredentials]
        )
        var user = LocalAuthorizationServer.User("alice", password: "wonderland")
        user.name = "Alice <b>Liddell</b>"
        user.email = "alice@example.test"
        user.roles = ["reader"]
        configuration.clients = [web, phone, batch]
        configuration.users = [user]
        configuration.algorithms = [.es256]
        change(&configuration)
        engine = try AuthorizationServerEngine(configuration, origin: "http://127.0.0.1:9000", clock: clock.wall)
    }

    /// The parameters of a good request for a code, with changes; nil leaves one out.
    static func parameters(_ changes: KeyValuePairs<String, String?> = [:]) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = [
            ("response_type", "code"), ("client_id", "web"), ("redirect_uri", callback), ("scope", "openid read"),
            ("state", "s&1"), ("nonce", "n-1"), ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ]
        for (name, value) in changes {
            parameters.removeAll { $0.name == name }
            if let value { parameters.append((name, value)) }
        }
        return parameters
    }

    /// Signs in, consents and returns the code.
    func code(_ changes: KeyValuePairs<String, String?> = [:]) throws -> String {
        let browser = TestBrowser(engine)
        return try #require(try browser.obtainCode(Self.parameters(changes))["code"])
    }

    /// Asks `/token` as the client `web`, or with fields and parameters of another.
    func token(
        _ parameters: KeyValuePairs<String, String>,
        authorization: String? = Self.basic("web", "web secret/+:é")
    ) throws -> TokenAnswer {
        try post("/token", parameters, authorization: authorization)
    }

    func post(
        _ path: String,
        _ parameters: KeyValuePairs<String, String>,
        authorization: String? = Self.basic("web", "web secret/+:é")
    ) throws -> TokenAnswer {
        var fields = [("Host", "127.0.0.1:9000"), ("Content-Type", "application/x-www-form-urlencoded")]
        if let authorization { fields.append(("Authorization", authorization)) }
        let body = Array(PercentEncoding.form(parameters.map { (name: $0.key, value: $0.value) }).utf8)
        return TokenAnswer(engine.respond(to: AuthorizationServerRequest("POST", path, fields: fields, body: body)))
    }

    /// Redeems a code as the client `web`.
    func redeem(_ code: String, _ verifier: String = Self.verifier) throws -> TokenAnswer {
        try token([
            "grant_type": "authorization_code", "code": code, "redirect_uri": Self.callback,
            "code_verifier": verifier,
        ])
    }

    static func basic(_ id: String, _ secret: String) -> String {
        let pair = Array("\(PercentEncoding.encode(id)):\(PercentEncoding.encode(secret))".utf8)
        let text = Base64URL.encode(pair).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return "Basic " + String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }

    /// A client assertion of `batch`, with changes.
    func assertion(_ changes: [String: JSONValue?] = [:], signedBy other: SigningKey? = nil) -> String {
        let now = clock.wall.time.seconds
        var claims: [String: JSONValue] = [
            "iss": "batch", "sub": "batch", "aud": .string(engine.issuer), "iat": .integer(now),
            "exp": .integer(now + 60), "jti": "a-1",
        ]
        for (name, value) in changes { claims[name] = value }
        return TestIssuer.sign(
            header: ["alg": "ES256", "kid": "client-key"],
            claims: .object(claims),
            with: other ?? key
        )
    }
}

/// An answer with JSON.
struct TokenAnswer {
    let status: Int
    let members: JSONObject
    let fields: [(name: String, value: String)]

    init(_ response: AuthorizationServerResponse) {
        status = response.status
        fields = response.fields
        members =
            (try? JSONDocument(response.body, limits: .document))?.value.objectValue ?? JSONObject(members: [])
    }

    subscript(name: String) -> String? { members[name]?.stringValue }

    /// The error and its status, to be compared at once.
    var refusal: String { "\(status) \(self["error"] ?? "granted")" }
}

/// A browser without windows: cookies, forms, redirects within the server.
final class TestBrowser {
    private let engine: AuthorizationServerEngine
    private(set) var cookie: String?

    init(_ engine: AuthorizationServerEngine) { self.engine = engine }

    func send(_ method: String, _ target: String, _ form: [(name: String, value: String)]? = nil)
        -> AuthorizationServerResponse
    {
        var fields = [("Host", "127.0.0.1:9000")]
        if let cookie { fields.append(("Cookie", cookie)) }
        if form != nil { fields.append(("Content-Type", "application/x-www-form-urlencoded")) }
        let body = form.map { Array(PercentEncoding.form($0).utf8) } ?? []
        let response = engine.respond(to: AuthorizationServerRequest(method, target, fields: fields, body: body))
        if let set = response.fields.first(where: { $0.name == "Set-Cookie" })?.value {
            cookie = String(set.prefix { $0 != ";" })
        }
        return response
    }

    func authorize(_ parameters: [(name: String, value: String)]) -> AuthorizationServerResponse {
        send("GET", "/authorize?" + PercentEncoding.form(parameters))
    }

    /// Sends the form of a page, with these values in it.
    func submit(_ page: AuthorizationServerResponse, _ values: KeyValuePairs<String, String>) throws
        -> AuthorizationServerResponse
    {
        let text = page.text
        let action = try #require(text.firstMatch(of: /action="([^"]+)"/)).1
        var form: [(name: String, value: String)] = text.matches(
            of: /<input type="hidden" name="([^"]+)" value="([^"]*)">/
        ).map { (String($0.1), String($0.2)) }
        form += values.map { (name: $0.key, value: $0.value) }
        let response = send("POST", String(action), form)
        guard response.status == 303, let location = response.location, location.hasPrefix("/") else { return response }
        return send("GET", location)
    }

    func signIn(_ page: AuthorizationServerResponse) throws -> AuthorizationServerResponse {
        try submit(page, ["username": "alice", "password": "wonderland"])
    }

    /// Goes through the pages as a willing user does and returns what the client is told.
    func obtainCode(_ parameters: [(name: String, value: String)]) throws -> [String: String] {
        var response = authorize(parameters)
        if response.text.contains("<h1>Sign in") { response = try signIn(response) }
        if response.text.contains("<h1>Allow access?") { response = try submit(response, ["decision": "allow"]) }
        return try #require(response.told)
    }
}

extension AuthorizationServerResponse {
    var text: String { String(decoding: body, as: UTF8.self) }

    var location: String? { fields.first { $0.name == "Location" }?.value }

    /// The parameters that a redirect to the client adds; nil for anything else.
    var told: [String: String]? {
        guard status == 303, let location, location.hasPrefix(AuthorizationServerFixture.callback) else { return nil }
        let query = location.dropFirst(AuthorizationServerFixture.callback.count + 1)
        var told: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { return nil }
            told[String(sides[0])] = PercentEncoding.decodeForm(sides[1].utf8)
        }
        return told
    }
}
#endif
