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

/// The auth service from its start to its end, through changes of its configuration.
extension GatewayTests {
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

    @Test("However often it starts and ends while others connect, it leaves nothing that NIO would complain of")
    func ends() async throws {
        try await GatewaySite.run { site, first in
            #expect(await first.terminate())
            for _ in 0..<30 {
                let service = try site.startService()
                defer { service.kill() }
                try await service.untilListening(site.servicePort)
                #expect(try await Curl.get("http://127.0.0.1:\(site.servicePort)/envoy/health").status == 200)
                async let connecting: Void = RawConnection.arrive(at: site.servicePort, times: 50)
                #expect(await service.terminate())
                await connecting
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
}
#endif
