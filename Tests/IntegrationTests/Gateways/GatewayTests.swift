// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import AsyncHTTPClient
import BearerGuard
import BearerGuardTesting
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Real gateways, each with the configuration that the program prints for it, and one table of requests for all.
@Suite("Gateways", .serialized, .enabled(if: Curl.isInstalled && GatewaySite.program != nil))
struct GatewayTests {
    @Test(
        "Every gateway answers every request of the table as the guard decides",
        arguments: Gateway.installed,
        Gateway.ClientProtocol.allCases
    )
    func table(_ gateway: Gateway, _ clients: Gateway.ClientProtocol) async throws {
        try await GatewaySite.run(for: gateway) { site, _ in
            let process = try await gateway.start(site, for: clients)
            defer { process.kill() }
            let table = GatewayRequest.table(site.issuer)
            for request in table { try await check(request, gateway, site, clients) }
            print("gateway \(gateway.rawValue), \(clients.rawValue): \(table.count) requests")
        }
    }

    @Test("With the auth service away nothing passes: 503", arguments: Gateway.installed)
    func serviceDown(_ gateway: Gateway) async throws {
        try await GatewaySite.run(for: gateway) { site, service in
            let process = try await gateway.start(site)
            defer { process.kill() }
            let good = GatewayRequest.bearer(site.issuer.token(scopes: ["orders:read"]))
            #expect(try await Curl.get(site.address + "/orders", headers: [good]).status == 200)
            #expect(await service.terminate())
            _ = site.upstream.take()
            for path in ["/orders", "/health", "/news/1"] {
                #expect(try await Curl.get(site.address + path, headers: [good]).status == 503, "\(path)")
            }
            #expect(site.upstream.take().isEmpty)
            // The service drains and says so.
            #expect(site.serviceLog.contains(#""event":"ended""#))
        }
    }

    @Test("Through restarts of the auth service under load no decision is wrong", arguments: Gateway.installed)
    func restarts(_ gateway: Gateway) async throws {
        try await GatewaySite.run(for: gateway) { site, first in
            let process = try await gateway.start(site)
            defer { process.kill() }
            let good = site.issuer.token(scopes: ["orders:read"])
            let forged = site.issuer.token(with: .forgedKey, scopes: ["orders:read"])
            let url = site.address + "/orders"
            let isDone = Flag()
            let counts = try await withThrowingTaskGroup(of: [String: Int].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var counts: [String: Int] = [:]
                        while !isDone.isSet {
                            for (name, token) in [("good", good), ("forged", forged)] {
                                var request = HTTPClientRequest(url: url)
                                request.headers.add(name: "Authorization", value: "Bearer \(token)")
                                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
                                _ = try await response.body.collect(upTo: 1 << 16)
                                counts["\(name) \(response.status.code)", default: 0] += 1
                            }
                        }
                        return counts
                    }
                }
                var service = first
                for _ in 0..<3 {
                    #expect(await service.terminate())
                    service = try site.startService()
                    try await service.untilListening(site.servicePort)
                    // Until the gateway lets requests through again, which some gateways take a while to notice.
                    var status = 503
                    for _ in 0..<1000 where status == 503 {
                        status = try await Curl.get(url, headers: [GatewayRequest.bearer(good)]).status
                    }
                    #expect(status == 200)
                }
                isDone.set()
                defer { service.kill() }
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            print("gateway \(gateway.rawValue), three restarts: \(counts.sorted { $0.key < $1.key })")
            #expect(Set(counts.keys).isSubset(of: ["good 200", "good 503", "forged 401", "forged 503"]))
            #expect(counts["good 200", default: 0] > 0 && counts["forged 401", default: 0] > 0)
        }
    }

    @Test("SIGHUP puts a changed configuration in force, and a faulty one keeps the old and says why")
    func reload() async throws {
        try await GatewaySite.run { site, service in
            let question = "http://127.0.0.1:\(site.servicePort)/authorize"
            func ask() async throws -> Int {
                let original = ["X-Original-Method: GET", "X-Original-URI: /health"]
                return try await Curl.get(question, headers: original).status
            }
            func change(_ old: String, _ new: String, expecting event: String) async throws {
                try site.change(old, to: new)
                let before = site.count(ofLogged: event)
                service.signal(SIGHUP)
                try await site.untilLogged(event, more: before)
            }
            #expect(try await ask() == 200)
            let inForce = #""event":"configuration in force""#
            try await change("path: /health, methods: [GET], access: public", "path: /health", expecting: inForce)
            #expect(try await ask() == 401)
            let refused = #""event":"configuration refused, the old one stays in force""#
            try await change("path: /health", "path: //health", expecting: refused)
            #expect(site.serviceLog.contains("gateway.rules[0].path"))
            #expect(try await ask() == 401)
            try await change("path: //health", "path: /health, access: public", expecting: inForce)
            #expect(try await ask() == 200)
            // What --check would say of a rule is said when it comes into force.
            #expect(!site.serviceLog.contains("is never reached"))
            try await change("- {path: /me}", "- {path: /health, methods: [GET]}", expecting: inForce)
            #expect(site.count(ofLogged: "is never reached") == 1)
            #expect(await service.terminate())
        }
    }

    @Test("What changes with a restart alone is told while it differs from the start, and not once it is taken back")
    func changeTakenBack() async throws {
        try await GatewaySite.run { site, service in
            let told = "change with a restart alone"
            let (own, two) = ("127.0.0.1:\(site.servicePort)\"", "127.0.0.1:\(site.servicePort)\", \"127.0.0.1:0\"")
            for (old, new, times) in [(own, two, 1), ("realm: site", "realm: other", 2), (two, own, 2)] {
                let before = site.count(ofLogged: #""event":"configuration in force""#)
                try site.change(old, to: new)
                service.signal(SIGHUP)
                try await site.untilLogged(#""event":"configuration in force""#, more: before)
                #expect(site.count(ofLogged: told) == times)
            }
            #expect(await service.terminate())
        }
    }

    @Test("However often it is started and ended, the service leaves nothing behind that NIO would complain of")
    func ends() async throws {
        try await GatewaySite.run { site, first in
            #expect(await first.terminate())
            for _ in 0..<30 {
                let service = try site.startService()
                defer { service.kill() }
                try await service.untilListening(site.servicePort)
                #expect(try await Curl.get("http://127.0.0.1:\(site.servicePort)/envoy/health").status == 200)
                #expect(await service.terminate())
                #expect(service.status == 0)
                #expect(site.count(ofLogged: #""event":"ended""#) == 1)
            }
        }
    }

    @Test("Two hundred reloads between questions leave no descriptor and no memory behind, and the service ends with 0")
    func reloads() async throws {
        try await GatewaySite.run { site, service in
            let question = "http://127.0.0.1:\(site.servicePort)/envoy/orders"
            let inForce = #""event":"configuration in force""#
            func reload(_ times: Int) async throws {
                for _ in 0..<times {
                    let before = site.count(ofLogged: inForce)
                    service.signal(SIGHUP)
                    #expect(try await Curl.get(question).status == 401)
                    try await site.untilLogged(inForce, more: before)
                }
            }
            let state = ProcessState(of: service.processIdentifier)
            // Until memory that is kept for reuse is all there.
            try await reload(50)
            let (descriptors, bytes) = (state.descriptors, state.residentBytes)
            #expect(descriptors > 3 && bytes > 0)
            try await reload(200)
            print("gateway, 200 reloads: \(bytes / 1024) KiB, \(state.residentBytes / 1024) KiB after them")
            // The last questions' connections may be about to end.
            #expect(state.descriptors <= descriptors + 4)
            #expect(state.residentBytes < bytes + 8 * 1024 * 1024)
            #expect(await service.terminate())
            #expect(service.status == 0)
            #expect(site.count(ofLogged: #""event":"ended""#) == 1)
            for line in site.serviceLog.split(separator: "\n") {
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
            }
        }
    }

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

    @Test("A shadow policy is counted where it differs, and never answered", .timeLimit(.minutes(1)))
    func shadow() async throws {
        try await GatewaySite.run { site, service in
            let text = try String(contentsOf: site.configuration, encoding: .utf8)
            let strict = text.replacingOccurrences(
                of: "path: /health, methods: [GET], access: public",
                with: "path: /health"
            )
            try Data(strict.utf8).write(to: site.folder.appendingPathComponent("next.yaml"))
            try site.change("  rules:", to: "  shadow: next.yaml\n  rules:")
            service.signal(SIGHUP)
            try await site.untilLogged("configuration in force")
            let address = "http://127.0.0.1:\(site.servicePort)"
            #expect(try await Curl.get(address + "/envoy/health").status == 200)
            #expect(try await Curl.get(address + "/envoy/me").status == 401)
            let counted = [
                #"bearerguard_shadow_decisions_total{live="200",shadow="401"} 1"#,
                #"bearerguard_shadow_decisions_total{live="401",shadow="401"} 1"#,
            ]
            var metrics = ""
            for _ in 0..<1000 where !counted.allSatisfy(metrics.contains) {
                metrics = try await Curl.get(address + "/metrics").body
            }
            #expect(counted.allSatisfy(metrics.contains))
            #expect(site.serviceLog.contains("the shadow policy differs"))
        }
    }

    @Test(
        "With client authorities only gateways with a certificate of theirs are answered",
        .enabled(if: OpenSSLServer.isInstalled)
    )
    func mutualTLS() async throws {
        try await GatewaySite.run { site, service in
            #expect(await service.terminate())
            try await OpenSSLServer.makeCertificates(in: site.folder.path, name: "localhost")
            let tls = "  tls: {certificate: leaf.pem, key: leaf.key, clientAuthorities: ca.pem}\n  rules:"
            try site.change("  rules:", to: tls)
            let secured = try site.startService()
            defer { secured.kill() }
            try await secured.untilListening(site.servicePort)
            let url = "https://localhost:\(site.servicePort)/envoy/health"
            let folder = site.folder.path
            let server = ["--cacert", "\(folder)/ca.pem"]
            let client = ["--cert", "\(folder)/leaf.pem", "--key", "\(folder)/leaf.key"]
            #expect(try await Curl.get(url, options: server + client).status == 200)
            await #expect(throws: Program.Failed.self) { try await Curl.get(url, options: server) }
            await #expect(throws: (any Error).self) { try await Curl.get("http" + url.dropFirst(5)) }
        }
    }

    @Test(
        "A rotation, a flood of unknown keys and an outage pass through nginx as the guard promises",
        .enabled(if: Gateway.nginx.program != nil)
    )
    func provider() async throws {
        let provider = try FaultServer()
        defer { provider.stop() }
        try await GatewaySite.run { site, service in
            provider.script("/jwks", .json(site.issuer.keySet))
            try site.change(
                "keys: {file: keys.json}",
                to: "allowLoopbackHTTP: true\n    keys: {jwksURL: \"\(provider.url("/jwks"))\"}"
            )
            service.signal(SIGHUP)
            try await site.untilLogged("configuration in force")
            let process = try await Gateway.nginx.start(site)
            defer { process.kill() }
            func status(_ token: String) async throws -> Int {
                try await Curl.get(site.address + "/orders", headers: [GatewayRequest.bearer(token)]).status
            }
            let old = site.issuer.token(scopes: ["orders:read"])
            #expect(try await status(old) == 200)
            #expect(provider.count(of: "/jwks") == 1)
            // A key that was not there when keys were fetched: one search finds it, and the old one is still known.
            try site.issuer.rotate(.es256)
            provider.script("/jwks", .json(site.issuer.keySet))
            let new = site.issuer.token(scopes: ["orders:read"])
            #expect(new != old)
            #expect(try await status(new) == 200)
            #expect(try await status(old) == 200)
            #expect(provider.count(of: "/jwks") == 2)
            var refused: [Int: Int] = [:]
            for number in 0..<100 {
                let unknown = site.issuer.token(scopes: ["orders:read"], header: ["kid": .string("nobody-\(number)")])
                refused[try await status(unknown), default: 0] += 1
                if number % 10 == 0 { #expect(try await status(new) == 200) }
            }
            #expect(refused == [401: 100])
            #expect(provider.count(of: "/jwks") == 2)
            provider.stop()
            for _ in 0..<10 { #expect(try await status(new) == 200) }
        }
    }

    @Test("A Unix socket is listened at again after its process was killed, and never taken from one that lives")
    func unixSocket() async throws {
        try await GatewaySite.run { site, service in
            let socket = site.folder.appendingPathComponent("s").path
            #expect(await service.terminate())
            try site.change(
                "\"127.0.0.1:\(site.servicePort)\"",
                to: "\"127.0.0.1:\(site.servicePort)\", \"unix:\(socket)\""
            )
            func ask() async throws -> Int {
                let options = ["--unix-socket", socket]
                return try await Curl.get("http://service/envoy/health", options: options).status
            }
            let first = try site.startService()
            defer { first.kill() }
            try await first.untilListening(site.servicePort)
            try await site.untilLogged("unix:")
            #expect(try await ask() == 200)
            // The port is taken, and so is the socket.
            let second = try site.startService()
            defer { second.kill() }
            #expect(await second.hasEnded())
            #expect(try await ask() == 200)
            first.kill()
            #expect(await first.hasEnded())
            #expect(FileManager.default.fileExists(atPath: socket))
            let third = try site.startService()
            defer { third.kill() }
            try await third.untilListening(site.servicePort)
            try await site.untilLogged("unix:")
            #expect(try await ask() == 200)
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

    private func check(
        _ request: GatewayRequest,
        _ gateway: Gateway,
        _ site: GatewaySite,
        _ clients: Gateway.ClientProtocol
    ) async throws {
        let name = "\(gateway.rawValue), \(clients.rawValue), \(request.title)"
        _ = site.upstream.take()
        let answer: Curl.Answer
        do {
            answer = try await Curl.get(
                site.address + request.target,
                headers: request.headers,
                method: request.method,
                options: ["--path-as-is"] + (clients == .http2 ? ["--http2-prior-knowledge"] : [])
            )
        } catch let failed as Program.Failed where failed.status == Curl.streamReset {
            // By HTTP/2 a target that is no URL may end the stream instead of being answered.
            guard case .denied([400]) = request.expected else { throw failed }
            #expect(site.upstream.take().isEmpty, "\(name)")
            return
        }
        #expect(answer.version == clients.rawValue, "\(name)")
        let seen = site.upstream.take()
        let challenges = answer.values("WWW-Authenticate")
        switch request.expected {
        case .passes(let subject):
            #expect(answer.status == 200, "\(name)")
            #expect(challenges.isEmpty, "\(name)")
            #expect(seen.count == 1, "\(name)")
            guard let upstream = seen.first else { return }
            #expect(upstream.target == request.target, "\(name)")
            #expect(upstream.method == request.method, "\(name)")
            #expect(upstream.values("X-Auth-Subject") == (subject.map { [$0] } ?? []), "\(name)")
            #expect(upstream.values("Authorization").isEmpty, "\(name)")
            if subject == nil { #expect(upstream.values("X-Auth-Scope").isEmpty, "\(name)") }
            let tokens = upstream.values("X-Internal-Token")
            #expect(tokens.map { $0.split(separator: ".").count } == (subject == nil ? [] : [3]), "\(name)")
        case .refused(let code, let scope):
            #expect(seen.isEmpty, "\(name)")
            #expect(answer.status == code.httpStatus, "\(name)")
            if request.isStrange, challenges.isEmpty { return }
            let challenge = try #require(challenges.first, "\(name)")
            #expect(challenges.count == 1, "\(name)")
            #expect(challenge.hasPrefix(#"Bearer realm="site""#), "\(name): \(challenge)")
            #expect(challenge.contains("error=") == (code.oauthError != nil), "\(name): \(challenge)")
            if let error = code.oauthError {
                #expect(challenge.contains(#"error="\#(error)""#), "\(name): \(challenge)")
            }
            if let scope { #expect(challenge.contains(#"scope="\#(scope)""#), "\(name): \(challenge)") }
        case .denied(let statuses):
            #expect(seen.isEmpty, "\(name)")
            let right = gateway == .apache ? request.apacheStatus.map { [$0] } ?? statuses : statuses
            #expect(right.contains(answer.status), "\(name): \(answer.status)")
            #expect(challenges.isEmpty, "\(name)")
        }
    }
}

private final class Flag: Sendable {
    private let state = Atomic<Bool>(false)

    var isSet: Bool { state.load(ordering: .relaxed) }

    func set() { state.store(true, ordering: .relaxed) }
}
#endif
