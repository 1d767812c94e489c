// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// A gateway with the auth service beside it and an upstream behind it: three servers, the first two programs of their own.
struct GatewaySite {
    static let identity = ["X-Auth-Subject", "X-Auth-Scope"]

    let issuer: TestIssuer
    let folder: URL
    let servicePort: Int
    let gatewayPort: Int
    /// Where the service is asked by gRPC; nil where it is not.
    let grpcPort: Int?
    let configuration: URL
    let upstream: Upstream

    var address: String { "http://127.0.0.1:\(gatewayPort)" }

    /// The program of this build.
    static var program: URL? {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? Bundle.main
        let products = bundle.bundleURL.deletingLastPathComponent()
        return [products.appendingPathComponent("bearerguard"), URL(fileURLWithPath: ".build/debug/bearerguard")]
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    /// Runs `body` with a site whose service is running; the gateway is for `body` to start.
    static func run(
        for gateway: Gateway? = nil,
        _ body: (GatewaySite, LoopbackProcess) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let upstream = Upstream()
        let router = Router()
        // Whatever comes: what arrives at the upstream is what the gateway let through.
        router.add(middleware: UpstreamMiddleware(upstream: upstream))
        try await LoopbackServer.serve(router) { upstreamAddress in
            let issuer = try TestIssuer(algorithms: [.es256, .rs256, .edDSA])
            let site = GatewaySite(
                issuer: issuer,
                folder: folder,
                servicePort: try LoopbackProcess.freePort(),
                gatewayPort: try LoopbackProcess.freePort(),
                grpcPort: gateway == .envoyByGRPC ? try LoopbackProcess.freePort() : nil,
                configuration: folder.appendingPathComponent("gateway.yaml"),
                upstream: upstream
            )
            try Data(issuer.keySet.utf8).write(to: folder.appendingPathComponent("keys.json"))
            try site.write(upstream: String(upstreamAddress.dropFirst("http://".count)))
            let service = try site.startService()
            defer { service.kill() }
            try await service.untilListening(site.servicePort)
            try await body(site, service)
        }
    }

    /// Starts the auth service, which is to crash where NIO would but complain.
    func startService() throws -> LoopbackProcess {
        guard let program = Self.program else {
            throw LoopbackProcess.DidNotStart(description: "the program is not built")
        }
        return try LoopbackProcess(
            program.path,
            ["serve", "--config", configuration.path],
            environment: ["SWIFTNIO_STRICT": "1"],
            log: folder.appendingPathComponent("service.log")
        )
    }

    /// What the service has logged.
    var serviceLog: String {
        (try? String(contentsOf: folder.appendingPathComponent("service.log"), encoding: .utf8)) ?? ""
    }

    /// Changes the configuration's file.
    func change(_ old: String, to new: String) throws {
        let text = try String(contentsOf: configuration, encoding: .utf8)
        try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: configuration)
    }

    func count(ofLogged text: String) -> Int { serviceLog.components(separatedBy: text).count - 1 }

    /// Waits until the service has logged a text, more often than it had.
    func untilLogged(_ text: String, more than: Int = 0) async throws {
        for _ in 0..<3000 {
            if count(ofLogged: text) > than { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw LoopbackProcess.DidNotStart(description: "never logged: \(text)")
    }

    /// What `bearerguard serve --print` says.
    func printed(_ what: String) async throws -> String {
        try await Program.run(
            Self.program?.path ?? "",
            ["serve", "--config", configuration.path, "--print", what]
        )
    }

    private func write(upstream: String) throws {
        let grpc = grpcPort.map { ", \"grpc:127.0.0.1:\($0)\"" } ?? ""
        let text = """
            issuers:
              - alias: main
                issuer: \(issuer.issuer)
                audience: \(issuer.audience)
                algorithms: [ES256, RS256, EdDSA]
                keys: {file: keys.json}
            realm: site
            gateway:
              listen: ["127.0.0.1:\(servicePort)"\(grpc)]
              site: {listen: "127.0.0.1:\(gatewayPort)", upstream: "\(upstream)"}
              rules:
                - {path: /health, methods: [GET], access: public}
                - {path: /preflight, methods: [OPTIONS], access: public}
                - {path: /news/**, methods: [GET], access: optional}
                - {path: /orders/**, methods: [GET], require: {scopes: [orders:read]}}
                - {path: /orders, methods: [POST], require: {scopes: [orders:write]}}
                - {path: /closed/**, access: denied}
                - {path: /me}
                - {host: admin.test, path: /admin/**, require: {scopes: [admin]}}
              identity:
                X-Auth-Subject: sub
                X-Auth-Scope: scope
              internalToken: {issuer: https://gateway.test, audience: https://services.test}
            """
        try Data(text.utf8).write(to: configuration)
    }
}

/// What came through to the upstream.
final class Upstream: Sendable {
    struct Seen: Sendable {
        let method: String
        let target: String
        let fields: [(name: String, value: String)]

        func values(_ name: String) -> [String] {
            // To many servers X-Auth-Subject and x_auth_subject are one header.
            let plain = { (text: String) in text.lowercased().replacingOccurrences(of: "_", with: "-") }
            return fields.filter { plain($0.name) == plain(name) }.map(\.value)
        }
    }

    private let state = Mutex<[Seen]>([])

    func note(_ seen: Seen) { state.withLock { $0.append(seen) } }

    /// What came since the last time.
    func take() -> [Seen] {
        state.withLock { seen in
            defer { seen = [] }
            return seen
        }
    }
}

private struct UpstreamMiddleware: RouterMiddleware {
    let upstream: Upstream

    func handle(
        _ request: Request,
        context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        upstream.note(
            Upstream.Seen(
                method: request.method.rawValue,
                target: request.head.path ?? "",
                fields: request.headers.map { ($0.name.rawName, $0.value) }
            )
        )
        return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "upstream\n")))
    }
}
#endif
