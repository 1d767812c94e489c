// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// Real gateways, each with the configuration that the program prints for it, and one table of requests for all.
@Suite("Gateways", .serialized, .enabled(if: Curl.isInstalled && GatewaySite.program != nil))
struct GatewayTests {
    @Test("Every gateway answers every request of the table as the guard decides", arguments: Gateway.installed)
    func table(_ gateway: Gateway) async throws {
        try await GatewaySite.run { site, _ in
            let process = try await gateway.start(site)
            defer { process.kill() }
            let table = GatewayRequest.table(site.issuer)
            for request in table { try await check(request, gateway, site) }
            print("gateway \(gateway.rawValue): \(table.count) requests")
        }
    }

    @Test("With the auth service away nothing passes: 503", arguments: Gateway.installed)
    func serviceDown(_ gateway: Gateway) async throws {
        try await GatewaySite.run { site, service in
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

    private func check(_ request: GatewayRequest, _ gateway: Gateway, _ site: GatewaySite) async throws {
        let name = "\(gateway.rawValue), \(request.title)"
        _ = site.upstream.take()
        let answer = try await Curl.get(
            site.address + request.target,
            headers: request.headers,
            method: request.method,
            options: ["--path-as-is"]
        )
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
            #expect(statuses.contains(answer.status), "\(name): \(answer.status)")
            #expect(challenges.isEmpty, "\(name)")
        }
    }
}
#endif
