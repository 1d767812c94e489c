// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import AsyncHTTPClient
import BearerGuard
import BearerGuardTesting
import NIOCore
import NIOHTTP1

/// The demo's OAuth client: what a web application does to get tokens and to use them.
struct WebAppClient: Sendable {
    /// What the issuer gave.
    struct Tokens: Sendable {
        var access: String
        var id: String?
        var refresh: String?
        var scopes: [String]
    }

    /// What a sign-in that began must end with (RFC 9700 §2.1).
    struct PendingSignIn: Sendable {
        let state: String
        let nonce: String
        let verifier: String
    }

    /// The issuer or the API did not answer as it should.
    struct Failure: Error {
        let message: String
    }

    static let clientID = "orders-app"
    static let clientSecret = "orders-app-secret"

    let server: LocalAuthorizationServer
    let redirectURI: String
    let log: FlowLog

    /// Where the browser is sent for a code, and what to expect of its return.
    func beginSignIn(scopes: [String]) -> (url: String, pending: PendingSignIn) {
        let pending = PendingSignIn(
            state: RandomText.make(),
            nonce: RandomText.make(),
            verifier: RandomText.make()
        )
        let parameters: [(name: String, value: String)] = [
            ("response_type", "code"), ("client_id", Self.clientID), ("redirect_uri", redirectURI),
            ("scope", scopes.joined(separator: " ")), ("state", pending.state), ("nonce", pending.nonce),
            ("code_challenge", ProofKey.challenge(of: pending.verifier)), ("code_challenge_method", "S256"),
        ]
        let url = server.url(.authorization)
        log.note(
            1,
            "The application sends the browser to the authorization server",
            ["303 See Other", "Location: \(url)?"] + FlowLog.lines(parameters)
        )
        return ("\(url)?\(PercentEncoding.form(parameters))", pending)
    }

    /// Exchanges a code for tokens, and checks that the ID token is about this very sign-in.
    func redeem(_ code: String, _ pending: PendingSignIn) async throws -> Tokens {
        let parameters: [(name: String, value: String)] = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirectURI),
            ("code_verifier", pending.verifier),
        ]
        log.note(
            5,
            "The application sends code and client secret to the token endpoint",
            ["POST \(server.url(.token))", "Authorization: Basic (client id and secret)"] + FlowLog.lines(parameters)
        )
        let (status, answer) = try await postToken(parameters)
        log.note(6, "It receives its tokens", ["\(status)"] + FlowLog.lines(Self.texts(answer)))
        let tokens = try tokens(answer, status)
        try await check(tokens.id, nonce: pending.nonce)
        return tokens
    }

    /// New tokens for a refresh token, which is used up by it.
    func refresh(_ tokens: Tokens) async throws -> Tokens {
        guard let refresh = tokens.refresh else {
            throw Failure(message: "There is no refresh token: sign in with the scope offline_access.")
        }
        let parameters: [(name: String, value: String)] = [
            ("grant_type", "refresh_token"), ("refresh_token", refresh),
        ]
        log.note(
            nil,
            "Refresh: the application shows its refresh token",
            ["POST \(server.url(.token))", "Authorization: Basic (client id and secret)"] + FlowLog.lines(parameters)
        )
        let (status, answer) = try await postToken(parameters)
        log.note(
            nil,
            "It receives new tokens, the refresh token included",
            ["\(status)"] + FlowLog.lines(Self.texts(answer))
        )
        var renewed = try self.tokens(answer, status)
        // A server may leave out what has not changed (OpenID Connect Core §12.2).
        renewed.id = renewed.id ?? tokens.id
        return renewed
    }

    private func postToken(
        _ parameters: [(name: String, value: String)]
    ) async throws -> (status: Int, answer: JSONObject) {
        var request = HTTPClientRequest(url: server.url(.token))
        request.method = .POST
        request.setBasicAuth(username: Self.clientID, password: Self.clientSecret)
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.body = .bytes(ByteBuffer(string: PercentEncoding.form(parameters)))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 16)
        guard let answer = try? JSONDocument(Array(buffer: body), limits: .document).value.objectValue else {
            throw Failure(message: "The token endpoint did not answer in JSON.")
        }
        return (Int(response.status.code), answer)
    }

    private static func texts(_ answer: JSONObject) -> [(name: String, value: String)] {
        answer.members.map { ($0.name, $0.value.stringValue ?? $0.value.text) }
    }

    private func tokens(_ answer: JSONObject, _ status: Int) throws -> Tokens {
        guard status == 200, let access = answer["access_token"]?.stringValue else {
            throw Failure(message: "The token endpoint refused: \(answer["error"]?.stringValue ?? "no reason given").")
        }
        return Tokens(
            access: access,
            id: answer["id_token"]?.stringValue,
            refresh: answer["refresh_token"]?.stringValue,
            scopes: (answer["scope"]?.stringValue ?? "").split(separator: " ").map(String.init)
        )
    }

    /// OpenID Connect Core §3.1.3.7.
    private func check(_ idToken: String?, nonce: String) async throws {
        guard let idToken else { return }
        let request = HTTPClientRequest(url: server.url(.keySet))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let keySet = try JWKSet(Array(buffer: try await response.body.collect(upTo: 1 << 19)))
        let policy = ValidationPolicy.unsafeWithHoles(
            issuer: server.issuer,
            audience: [Self.clientID],
            algorithms: .recommended,
            acceptedTokens: .uncheckedType,
            clockSkew: 30
        )
        let judgement = TokenValidator(policy: policy, binding: .unknown).judge(
            Array(idToken.utf8),
            keys: KeySnapshot(keySet),
            at: WallClock.system.time
        )
        guard judgement.findings.isEmpty, judgement.claims?["nonce"]?.stringValue == nonce else {
            throw Failure(message: "The ID token is not about this sign-in.")
        }
    }

    /// Calls the API.
    func call(_ method: String, _ url: String, token: String?, title: String) async throws -> Answer {
        let shown = token.map { "Authorization: Bearer \(FlowLog.shown($0, as: "access_token"))" }
        log.note(7, title, ["\(method) \(url)"] + [shown ?? "(no Authorization)"])
        var request = HTTPClientRequest(url: url)
        request.method = .init(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let answer = Answer(
            status: Int(response.status.code),
            challenge: response.headers.first(name: "WWW-Authenticate"),
            body: String(buffer: try await response.body.collect(upTo: 1 << 16))
        )
        log.note(
            8,
            "The resource server answers",
            ["\(answer.status)"] + (answer.challenge.map { ["WWW-Authenticate: \($0)"] } ?? [])
                + answer.body.split(separator: "\n").map { "  \($0)" }
        )
        return answer
    }

    /// What the API answered.
    struct Answer: Sendable {
        let status: Int
        let challenge: String?
        let body: String
    }
}
#endif
