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
