// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What the auth service answers to questions of every kind.
extension GatewayTests {
    @Test("Probes and metrics are answered, and neither they nor the log have anything of a token, claim or path")
    func canary() async throws {
        try await GatewaySite.run { site, service in
            let address = "http://127.0.0.1:\(site.servicePort)"
            let token = site.issuer.token(scopes: ["orders:read"], changes: ["sub": "canary-subject"])
            let tampered = token.dropLast(4) + "AAAA"
            for token in [token, String(tampered), site.issuer.token(header: ["kid": "canary-kid\r\n{}"])] {
                _ = try await Curl.get(
                    address + "/authorize",
                    headers: [
                        "X-Original-Method: GET", "X-Original-URI: /orders/canary-path", GatewayRequest.bearer(token),
                    ]
                )
            }
            #expect(try await Curl.get(address + "/livez").status == 200)
            #expect(try await Curl.get(address + "/readyz").status == 200)
            let metrics = try await Curl.get(address + "/metrics")
            #expect(metrics.status == 200)
            #expect(metrics.body.contains(#"bearerguard_decisions_total{outcome="authorized",issuer="main"} 1"#))
            #expect(metrics.body.contains(#"bearerguard_decisions_total{outcome="bad_signature",issuer="main"} 1"#))
            #expect(try await Curl.get(address + "/").status == 404)
            #expect(await service.terminate())
            let log = site.serviceLog
            #expect(log.contains(#""outcome":"bad_signature""#) && log.contains(#""outcome":"unknown_key""#))
            for text in [metrics.body, log] {
                for part in token.split(separator: ".") { #expect(!text.contains(part)) }
                #expect(!text.contains("canary-subject") && !text.contains("canary-path"))
            }
            // Each line is one JSON object, whatever a kid has in it.
            for line in log.split(separator: "\n") where !line.hasPrefix("bearerguard: ") {
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
            }
        }
    }

    @Test("Who is not trusted gets no answer to a question, and a question without an original is none")
    func strangers() async throws {
        try await GatewaySite.run { site, service in
            let address = "http://127.0.0.1:\(site.servicePort)"
            #expect(try await Curl.get(address + "/authorize").status == 400)
            #expect(try await Curl.get(address + "/forward-auth").status == 400)
            #expect(try await Curl.get(address + "/envoy").status == 404)
            #expect(try await Curl.get(address + "/envoy/health").status == 200)
            let twice = ["X-Original-Method: GET", "X-Original-URI: /health", "X-Original-URI: /health"]
            #expect(try await Curl.get(address + "/authorize", headers: twice).status == 400)
            try site.change("  rules:", to: "  trustedPeers: 192.0.2.1\n  rules:")
            service.signal(SIGHUP)
            try await site.untilLogged("configuration in force")
            #expect(try await Curl.get(address + "/envoy/health").status == 403)
            #expect(try await Curl.get(address + "/livez").status == 200)
        }
    }

    @Test("Questions behind each other are answered in their order, whoever answers them")
    func pipelining() async throws {
        try await GatewaySite.run { site, _ in
            let connection = try RawConnection(port: site.servicePort)
            defer { connection.close() }
            func get(_ path: String, _ more: String = "") -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\(more)\r\n" }
            let body = "Content-Length: 5\r\n"
            connection.send(
                get("/envoy/health") + get("/nowhere") + get("/envoy/closed/x") + get("/envoy/health", body) + "hello"
                    + get("/livez") + get("/envoy/me", "Connection: close\r\n")
            )
            let statuses = connection.receivedToEnd().matches(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) }
            #expect(statuses == ["200", "404", "403", "200", "200", "401"])
        }
    }

    @Test("A question that names two hosts is none, whoever answers it")
    func twoHosts() async throws {
        try await GatewaySite.run { site, _ in
            let connection = try RawConnection(port: site.servicePort)
            defer { connection.close() }
            let question = "GET /envoy/health HTTP/1.1\r\nHost: a\r\nhost: b\r\n"
            connection.send(question + "\r\n" + question + "Connection: close\r\n\r\n")
            let statuses = connection.receivedToEnd().matches(of: /HTTP\/1\.1 (\d+)/).map { String($0.1) }
            #expect(statuses == ["400", "400"])
        }
    }

    @Test(
        "A connection ends when nothing has come for its idle time, and its place is free",
        arguments: [
            ("GET /envoy/health HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200"),
            // Half a head, half a body, and no HTTP at all.
            ("GET /envoy/health HTTP/1.1\r\nHost: a\r\nX-Half", ""),
            ("GET /envoy/health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", ""),
            ("nonsense\r\n\r\n", "HTTP/1.1 400"),
        ]
    )
    func idle(sent: String, answered: String) async throws {
        try await GatewaySite.run { site, first in
            // Before another takes its port: a dying one still accepts.
            first.kill()
            #expect(await first.hasEnded())
            try site.change("  rules:", to: "  limits: {idleSeconds: 1, connections: 2}\n  rules:")
            let service = try site.startService()
            defer { service.kill() }
            try await service.untilListening(site.servicePort)
            let connections = try [RawConnection(port: site.servicePort), RawConnection(port: site.servicePort)]
            defer { for connection in connections { connection.close() } }
            for connection in connections { connection.send(sent) }
            for connection in connections {
                let answer = connection.receivedToEnd()
                #expect(answer.hasPrefix(answered) && answer.isEmpty == answered.isEmpty)
                // Patience did not end it: the other end did.
                #expect(connection.isEnded)
            }
            // Both places were taken; who comes now is answered when one is free.
            let original = ["X-Original-Method: GET", "X-Original-URI: /health"]
            let url = "http://127.0.0.1:\(site.servicePort)/authorize"
            #expect(try await Curl.get(url, headers: original).status == 200)
        }
    }

    @Test("Connections that say nothing, half a request or too much do not keep others from their answers")
    func slowAndLarge() async throws {
        try await GatewaySite.run { site, _ in
            let question = "GET /authorize HTTP/1.1\r\nHost: x\r\nX-Original-Method: GET\r\nX-Original-URI: /health\r\n"
            let large =
                question + (0..<1000).map { "X-\($0): \(String(repeating: "x", count: 200))\r\n" }.joined() + "\r\n"
            var connections: [RawConnection] = []
            for number in 0..<600 {
                let connection = try RawConnection(port: site.servicePort)
                connection.send(["", question, large, question + "X-Half"][number % 4])
                connections.append(connection)
            }
            let address = "http://127.0.0.1:\(site.servicePort)"
            let original = ["X-Original-Method: GET", "X-Original-URI: /health"]
            for _ in 0..<20 { #expect(try await Curl.get(address + "/authorize", headers: original).status == 200) }
            // Nobody got an answer that lets pass: too much is refused, half a request is no question.
            for connection in connections {
                let answer = connection.received()
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(80))")
                connection.close()
            }
            #expect(try await Curl.get(address + "/authorize", headers: original).status == 200)
        }
    }

    @Test("What is no call of Envoy's gets gRPC's error, and a call about nothing a refusal")
    func calls() async throws {
        try await GatewaySite.run(for: .envoyByGRPC) { site, _ in
            let address = "http://127.0.0.1:\(site.grpcPort ?? 0)"
            let check = "/envoy.service.auth.v3.Authorization/Check"
            let file = site.folder.appendingPathComponent("call")
            func call(_ bytes: [UInt8], _ path: String, type: String = "application/grpc") async throws -> Curl.Answer {
                try Data(bytes).write(to: file)
                return try await Curl.get(
                    address + path,
                    headers: ["Content-Type: \(type)"],
                    method: "POST",
                    options: ["--http2-prior-knowledge", "--data-binary", "@\(file.path)"]
                )
            }
            // No frame, a length that is another, a compressed one, no message, and more than is read.
            let large = [0, 0, 2, 0, 0] + [UInt8](repeating: 0, count: 128 * 1024)
            for bytes: [UInt8] in [[], [7], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0xFF], large] {
                #expect(try await call(bytes, check).body.hasSuffix("grpc-status: 3\r\n"), "\(bytes.prefix(6))")
            }
            #expect(try await call([0, 0, 0, 0, 0], "/other").body.hasSuffix("grpc-status: 12\r\n"))
            #expect(try await call([0, 0, 0, 0, 0], check, type: "text/plain").status == 415)
            let denied = try await call([0, 0, 0, 0, 0], check)
            // PERMISSION_DENIED, and the field of a denied response; not the one that lets pass.
            #expect(denied.body.hasPrefix("\0\0\0\0\u{B}\u{A}\u{2}\u{8}\u{7}\u{12}\u{5}"))
            #expect(denied.body.hasSuffix("grpc-status: 0\r\n"))
            #expect(try await Curl.get(address + "/livez", options: ["--http2-prior-knowledge"]).status == 415)
        }
    }
}
#endif
