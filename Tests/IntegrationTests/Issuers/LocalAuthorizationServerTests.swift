// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Foundation
import Testing

/// The local authorization server over HTTP, as tests of others use it.
@Suite("The local authorization server")
struct LocalAuthorizationServerTests {
    private static func configuration() -> LocalAuthorizationServer.Configuration {
        var configuration = LocalAuthorizationServer.Configuration()
        configuration.clients = [
            .init("batch", authentication: .secret("secret"), grantTypes: [.clientCredentials])
        ]
        configuration.algorithms = [.es256]
        return configuration
    }

    private static func token(_ server: LocalAuthorizationServer) async throws -> String {
        let answer = try await Curl.get(
            server.url(.token),
            method: "POST",
            options: ["--user", "batch:secret", "--data", "grant_type=client_credentials"]
        )
        #expect(answer.status == 200)
        let value = try JSONDocument(Array(answer.body.utf8), limits: .document).value
        return try #require(value.objectValue?["access_token"]?.stringValue)
    }

    @Test(
        "A guard finds its keys by discovery, by either metadata, and a rotation is one search",
        .enabled(if: Curl.isInstalled)
    )
    func rotation() async throws {
        let server = try await LocalAuthorizationServer.start(Self.configuration())
        let fetcher = try AsyncHTTPClientFetcher()
        let keys = try RemoteKeys(discovering: server.issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
        let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: server.policy(), keys: keys)])
        func decide(_ token: String) async -> Decision {
            await requestGuard.authorize(RequestCredentials(authorization: "Bearer \(token)"))
        }
        let before = try await Self.token(server)
        #expect(await decide(before).accessToken?.subject == "batch")
        try server.keys.rotate(.es256)
        let after = try await Self.token(server)
        #expect(await decide(after).accessToken?.keyID == "ES256-2")
        #expect(await decide(before).accessToken != nil)
        #expect(server.count(of: .keySet) == 2)
        #expect(server.count(of: .openIDMetadata) == 1)
        // Metadata of RFC 8414 alone.
        server.script(.openIDMetadata, .status(404))
        let others = try RemoteKeys(discovering: server.issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
        try await others.warmUp()
        #expect(server.count(of: .oauthMetadata) == 1)
        await fetcher.shutdown()
        await server.stop()
    }

    @Test("Every fault of the fault server happens at its endpoints, too", .enabled(if: Curl.isInstalled))
    func faults() async throws {
        let server = try await LocalAuthorizationServer.start(Self.configuration())
        let options = AsyncHTTPClientFetcher.Options()
        let fetcher = try AsyncHTTPClientFetcher(options: options)
        let body = FetchResponse(status: 200, body: Array(server.keys.keySet.utf8))
        func failure(_ answer: FaultServer.Answer) async -> FetchError? {
            server.script(.keySet, answer)
            let request = FetchRequest(url: server.url(.keySet), maximumBytes: 4096, deadline: .seconds(1))
            do throws(FetchError) {
                _ = try await fetcher.fetch(request)
                return nil
            } catch {
                return error
            }
        }
        #expect(await failure(.json(server.keys.keySet)) == nil)
        #expect(await failure(.status(503)) == nil)
        #expect(await failure(.captivePortal) == nil)
        #expect(await failure(.reset) == .connection)
        #expect(await failure(.hang) == .timeout)
        #expect(await failure(.drip(body, milliseconds: 100)) == .timeout)
        #expect(await failure(.truncate(body)) == .connection)
        #expect(await failure(.misstate(body, by: 7)) == .connection)
        #expect(await failure(.oversize(5000)) == .tooLarge)
        await server.refuse()
        #expect(await failure(.status(200)) == .connection)
        try await server.accept()
        // The script ends, and the server answers by itself again.
        server.script(.keySet)
        #expect(try await Curl.get(server.url(.keySet)).body == server.keys.keySet)
        await fetcher.shutdown()
        await server.stop()
    }

    @Test(
        "Tests in other languages rotate, withdraw, mint and inject by HTTP; another site's page cannot",
        .enabled(if: Curl.isInstalled)
    )
    func administration() async throws {
        let server = try await LocalAuthorizationServer.start(Self.configuration())
        let base = String(server.url(.home).dropLast())
        func tell(_ path: String, _ body: String, type: String = "application/json") async throws -> Curl.Answer {
            try await Curl.get(
                base + path,
                headers: ["Content-Type: \(type)"],
                method: "POST",
                options: ["--data", body]
            )
        }
        #expect(try await tell("/admin/rotate-key", "{}").body == #"{"kid":"ES256-2"}"#)
        #expect(server.keys.keys(.es256).map(\.keyID) == ["ES256-2", "ES256-1"])
        #expect(try await tell("/admin/withdraw-key", #"{"kid": "ES256-1"}"#).status == 200)
        #expect(server.keys.keys(.es256).map(\.keyID) == ["ES256-2"])
        #expect(try await tell("/admin/cache-control", #"{"value": "no-store"}"#).status == 200)
        #expect(try await Curl.get(server.url(.keySet)).values("Cache-Control") == ["no-store"])
        let minted = try await tell("/admin/token", #"{"scopes": ["read"], "claims": {"sub": "me", "jti": null}}"#)
        let members = try JSONDocument(Array(minted.body.utf8), limits: .document).value.objectValue
        let token = try #require(members?["token"]?.stringValue)
        let claims = try UnverifiedToken(Array(token.utf8)).unverifiedClaims.get()
        #expect(claims["sub"] == "me" && claims["jti"] == nil && claims["scope"] == "read")
        #expect(claims["iss"] == .string(server.issuer))
        let flawed = try await tell("/admin/token", #"{"flaw": "expired"}"#)
        let expired = try JSONDocument(Array(flawed.body.utf8), limits: .document).value.objectValue?["token"]
        let requestGuard = try RequestGuard(
            issuers: [TrustedIssuer(policy: server.policy(), keys: StaticKeys(JWKSet(server.keys.keySet.utf8)))]
        )
        func decide(_ token: String?) async -> Decision {
            await requestGuard.authorize(RequestCredentials(authorization: "Bearer \(token ?? "")"))
        }
        try await decide(token).expectAuthorized()
        try await decide(expired?.stringValue).expectRefused(.expired)
        let script =
            #"{"endpoint": "/jwks", "answers": [{"do": "status", "status": 503, "fields": {"Retry-After": "7"}}]}"#
        #expect(try await tell("/admin/script", script).status == 200)
        let answer = try await Curl.get(server.url(.keySet))
        #expect(answer.status == 503 && answer.values("Retry-After") == ["7"])
        let recovering = #"{"endpoint": "/jwks", "answers": [{"do": "status", "status": 503}, {"do": "serve"}]}"#
        #expect(try await tell("/admin/script", recovering).status == 200)
        #expect(try await Curl.get(server.url(.keySet)).status == 503)
        #expect(try await Curl.get(server.url(.keySet)).body == server.keys.keySet)
        #expect(try await Curl.get(server.url(.keySet)).status == 200)
        #expect(try await tell("/admin/count", #"{"endpoint": "/jwks"}"#).body == #"{"count":5}"#)
        #expect(try await tell("/admin/script", #"{"endpoint": "/jwks", "answers": []}"#).status == 200)
        #expect(try await Curl.get(server.url(.keySet)).status == 200)
        for (path, body) in [
            ("/admin/rotate-key", #"{"alg": "HS256"}"#), ("/admin/withdraw-key", "{}"), ("/admin/cache-control", "{}"),
            ("/admin/token", #"{"flaw": "odd"}"#), ("/admin/token", #"{"scopes": "read"}"#),
            ("/admin/script", #"{"endpoint": "/odd", "answers": []}"#),
            ("/admin/script", #"{"endpoint": "/jwks", "answers": [{"do": "odd"}]}"#),
            ("/admin/script", #"{"endpoint": "/token", "answers": [{"do": "truncate"}]}"#),
            ("/admin/script", #"{"endpoint": "/jwks", "answers": [{"do": "status", "status": 99999}]}"#),
            ("/admin/rotate-key", "[]"), ("/admin/rotate-key", "{"), ("/admin/odd", "{}"),
            ("/admin/rotate-key", #"{"algorithm": "ES256"}"#), ("/admin/withdraw-key", #"{"kid": "odd"}"#),
            ("/admin/token", #"{"scope": "read"}"#), ("/admin/token", #"{"lifetime": "x"}"#),
            ("/admin/token", #"{"user": "nobody"}"#), ("/admin/token", #"{"claims": []}"#),
            ("/admin/sign-in", #"{"user": "alice"}"#), ("/admin/count", #"{"endpoint": "/odd"}"#),
            ("/admin/script", #"{"endpoint": "/jwks", "answers": [{"do": "status", "status": 503, "headers": {}}]}"#),
        ] {
            #expect(try await tell(path, body).status == 400, "\(path) \(body)")
        }
        // What a form of another site can send.
        for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            #expect(try await tell("/admin/rotate-key", "{}", type: type).status == 400)
        }
        #expect(server.keys.keys(.es256).count == 1)
        await server.stop()
    }

    @Test("A user's tokens are at hand without the pages")
    func signIn() async throws {
        var configuration = Self.configuration()
        configuration.clients.append(.init("app", authentication: .none, redirectURIs: ["http://localhost:3000/"]))
        configuration.users = [.init("alice", password: "alice")]
        let server = try await LocalAuthorizationServer.start(configuration)
        let keys = try StaticKeys(JWKSet(server.keys.keySet.utf8))
        let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: server.policy(), keys: keys)])
        let tokens = try server.signIn("alice", to: "app", scopes: ["openid", "offline_access", "read"])
        let credentials = RequestCredentials(authorization: "Bearer \(tokens.accessToken)")
        let token = try await requestGuard.authorize(credentials, requiring: .scopes("read")).expectAuthorized()
        #expect(token.subject == "user-alice" && token.clientID == "app")
        #expect(tokens.idToken != nil && tokens.refreshToken != nil)
        #expect(throws: ConfigurationError("no user of this name")) {
            try server.signIn("bob", to: "app", scopes: ["read"])
        }
        #expect(throws: ConfigurationError("no client of this name")) {
            try server.signIn("alice", to: "apple", scopes: ["read"])
        }
        #expect(throws: ConfigurationError("a scope that the client may not ask for")) {
            try server.signIn("alice", to: "app", scopes: ["admin"])
        }
        await server.stop()
    }

    @Test(
        "The command prints one line to paste, serves what it names, and ends with 0 on SIGTERM",
        .enabled(if: Curl.isInstalled)
    )
    func command() async throws {
        let program = try #require(GatewaySite.program)
        let folder = try TemporaryFolder()
        let port = try LoopbackProcess.freePort()
        let log = folder.url.appendingPathComponent("issuer.log")
        let process = try LoopbackProcess(
            program.path,
            ["issuer", "--port", String(port), "--shape", "okta", "--audience", "api://orders"],
            log: log
        )
        defer { process.kill() }
        try await process.untilListening(port)
        let issuer = "http://127.0.0.1:\(port)/oauth2/default"
        let answer = try await Curl.get(
            "\(issuer)/token",
            method: "POST",
            options: ["--user", "web:web-secret", "--data", "grant_type=client_credentials&scope=read"]
        )
        #expect(answer.status == 200)
        let errors = folder.url.appendingPathComponent("taken.log")
        let second = try LoopbackProcess(program.path, ["issuer", "--port", String(port)], log: errors)
        #expect(await second.hasEnded())
        #expect(second.status == 2)
        #expect(
            try String(contentsOf: errors, encoding: .utf8)
                == """
                bearerguard: cannot listen at 127.0.0.1:\(port): is the port taken?
                bearerguard: hint: --port 0 takes a free one

                """
        )
        #expect(await process.terminate())
        #expect(process.status == 0)
        let lines = try String(contentsOf: log, encoding: .utf8).split(separator: "\n")
            .filter { !$0.hasPrefix("bearerguard: ") }
        let line = "ISSUER=\(issuer) AUDIENCE=api://orders JWKS_URI=\(issuer)/jwks TOKEN_ENDPOINT=\(issuer)/token"
        #expect(lines.map(String.init) == [line])
    }

    @Test(
        "What is no HTTP, too much of it or not all of it ends its own connection alone",
        .enabled(if: Curl.isInstalled)
    )
    func malformedHTTP() async throws {
        let server = try await LocalAuthorizationServer.start(Self.configuration())
        let port = try #require(server.issuer.split(separator: ":").last.flatMap { Int($0) })
        let post = "POST /token HTTP/1.1\r\nHost: localhost\r\n"
        let refused = [
            "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET /jwks HTTP/1.1\r\nHost: localhost\r\nno colon\r\n\r\n",
            "GET /jwks HTTP/1.1\r\nHost: a\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            "GET /jwks HTTP/1.1\r\nConnection: close\r\n\r\n",
            "\(post)Content-Length: -1\r\n\r\n", "\(post)Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            "\(post)Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
            "\(post)Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
            "GET /jwks HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "x", count: 1 << 20))\r\n\r\n",
        ]
        for request in refused {
            let connection = try RawConnection(port: port)
            connection.send(request)
            let answer = connection.receivedToEnd()
            connection.close()
            // Refused in words, or by the end of the connection: never answered as if it had been understood.
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(request.prefix(60)) got \(answer.prefix(40))")
        }
        let waiting = try (0..<100).map { number in
            let connection = try RawConnection(port: port)
            // Nothing, half a head, and a body that never comes.
            connection.send(["", "GET /jw", "\(post)Content-Length: 50\r\n\r\ngrant"][number % 3])
            return connection
        }
        #expect(try await Curl.get(server.url(.keySet)).status == 200)
        for connection in waiting { connection.close() }
        await server.stop()
    }

    @Test(
        "Two servers do not share a port, one that ended answers nobody, and its port is free again",
        .enabled(if: Curl.isInstalled)
    )
    func ports() async throws {
        let first = try await LocalAuthorizationServer.start(Self.configuration())
        let port = try #require(first.issuer.split(separator: ":").last.flatMap { Int($0) })
        await #expect(throws: ConfigurationError("cannot listen at 127.0.0.1:\(port): is the port taken?")) {
            try await LocalAuthorizationServer.start(Self.configuration(), port: port)
        }
        await #expect(throws: ConfigurationError("port must be 0 to 65535")) {
            try await LocalAuthorizationServer.start(Self.configuration(), port: 65_536)
        }
        await first.stop()
        await #expect(throws: Program.Failed.self) { try await Curl.get(first.url(.keySet)) }
        let second = try await LocalAuthorizationServer.start(Self.configuration(), port: port)
        #expect(second.issuer == first.issuer)
        #expect(try await Curl.get(second.url(.keySet)).status == 200)
        await second.stop()
    }

    @Test("Connections that arrive while it ends are dropped, and nothing else is")
    func arrivingConnections() async throws {
        let server = try await LocalAuthorizationServer.start(Self.configuration())
        let port = try #require(server.issuer.split(separator: ":").last.flatMap { Int($0) })
        for _ in 0..<20 {
            // As many as arrive while it ends, and no more, as other tests run beside this one.
            async let connecting: Void = RawConnection.arrive(at: port, times: 50)
            await server.refuse()
            await connecting
            try await server.accept()
        }
        let connection = try RawConnection(port: port)
        connection.send("GET /jwks HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        #expect(connection.receivedToEnd().hasPrefix("HTTP/1.1 200"))
        connection.close()
        await server.stop()
    }
}
#endif
