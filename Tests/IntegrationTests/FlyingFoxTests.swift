// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if FlyingFox && Gateway
import BearerGuard
import BearerGuardFlyingFox
import BearerGuardTesting
import FlyingFox
import FlyingSocks
import Foundation
import Testing

/// A real FlyingFox server on loopback, asked by curl.
@Suite("FlyingFox handler", .enabled(if: Curl.isInstalled, "needs /usr/bin/curl"))
struct FlyingFoxTests {
    private let issuer: TestIssuer
    private let requestGuard: RequestGuard

    init() throws {
        issuer = try TestIssuer()
        requestGuard = try issuer.makeGuard()
    }

    private func serve(_ body: (String) async throws -> Void) async throws {
        let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
        let answer: @Sendable (HTTPRequest, AccessToken?) -> HTTPResponse = { _, token in
            HTTPResponse(statusCode: .ok, body: Data((token?.subject ?? "anonymous").utf8))
        }
        await server.appendRoute(
            "GET /orders",
            to: GuardedHandler(requestGuard, requiring: .scopes("read"), handler: answer)
        )
        await server.appendRoute("GET /greeting", to: GuardedHandler(requestGuard, isOptional: true, handler: answer))
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await server.run() }
            try await server.waitUntilListening(timeout: 10)
            guard case .ip4(_, port: let port) = await server.listeningAddress else { throw NotListening() }
            try await body("http://127.0.0.1:\(port)")
        }
    }

    private struct NotListening: Error {}

    @Test("A good token passes, and its subject reaches the handler")
    func good() async throws {
        try await serve { address in
            let header = "Authorization: Bearer \(issuer.token(scopes: ["read"]))"
            let answer = try await Curl.get("\(address)/orders", headers: [header])
            #expect(answer.status == 200)
            #expect(answer.body == "user-1")
        }
    }

    @Test("Refusals carry status and challenge, and no body")
    func refused() async throws {
        try await serve { address in
            let missing = try await Curl.get("\(address)/orders")
            #expect(missing.status == 401)
            #expect(missing.values("WWW-Authenticate") == [#"Bearer realm="api""#])
            #expect(missing.body == "")
            let token = "Authorization: Bearer \(issuer.token())"
            let scope = try await Curl.get("\(address)/orders", headers: [token])
            #expect(scope.status == 403)
            #expect(scope.values("WWW-Authenticate").allSatisfy { $0.contains(#"scope="read""#) })
        }
    }

    @Test("Two credentials are refused where the server passes both on")
    func twice() async throws {
        let handler = GuardedHandler(requestGuard) { _, _ in HTTPResponse(statusCode: .ok) }
        var headers = HTTPHeaders()
        headers.setValues(Array(repeating: "Bearer \(issuer.token())", count: 2), for: .authorization)
        let request = HTTPRequest(
            method: .GET,
            version: .http11,
            path: "/",
            query: [],
            headers: headers,
            body: HTTPBodySequence(data: Data())
        )
        let response = try await handler.handleRequest(request)
        #expect(response.statusCode.code == 400)
    }

    @Test("On an optional route nobody is anonymous, and a bad token is refused")
    func optional() async throws {
        try await serve { address in
            let anonymous = try await Curl.get("\(address)/greeting")
            #expect(anonymous.status == 200)
            #expect(anonymous.body == "anonymous")
            let expired = "Authorization: Bearer \(issuer.token(with: .expired))"
            let bad = try await Curl.get("\(address)/greeting", headers: [expired])
            #expect(bad.status == 401)
        }
    }
}
#endif
