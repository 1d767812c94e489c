// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// The two servers of the demo, on loopback and on ports that the system chose.
enum DemoServers {
    /// The issuer: discovery and keys.
    ///
    /// It learns its own address, and so its name, once it listens.
    static func issuer(
        _ issuer: DemoIssuer,
        onRunning: @escaping @Sendable (Int) -> Void
    ) -> some ApplicationProtocol {
        let router = Router()
        router.get("/.well-known/openid-configuration") { _, _ in json(issuer.metadata) }
        router.get("/jwks") { _, _ in json(issuer.keySet) }
        return application(router, onRunning)
    }

    /// The API: what a user of BearerGuard writes.
    static func api(
        guardedBy requestGuard: RequestGuard,
        onRunning: @escaping @Sendable (Int) -> Void
    ) -> some ApplicationProtocol {
        let router = Router(context: BasicAccessTokenRequestContext.self)
        router.get("/health") { _, _ in "ok\n" }
        router.guarded(by: requestGuard, requiring: .scopes("orders:read"))
            .get("/orders") { _, context in "orders of \(context.accessToken?.subject ?? "nobody")\n" }
        router.guarded(by: requestGuard, requiring: .scopes("orders:write"))
            .post("/orders") { _, _ in "created\n" }
        return application(router, onRunning)
    }

    private static func application<Responder: HTTPResponderBuilder>(
        _ router: Responder,
        _ onRunning: @escaping @Sendable (Int) -> Void
    ) -> Application<Responder.Responder> {
        var logger = Logger(label: "demo")
        logger.logLevel = .critical
        return Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in onRunning(channel.localAddress?.port ?? 0) },
            logger: logger
        )
    }

    private static func json(_ text: String) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/json", .cacheControl: "max-age=300"],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// The issuer's state: a ``TestIssuer`` once the port is known.
final class DemoIssuer: Sendable {
    private let state = Mutex<TestIssuer?>(nil)

    /// Names the issuer after the address that it listens on.
    func open(port: Int) throws -> TestIssuer {
        let issuer = try TestIssuer(
            issuer: "http://127.0.0.1:\(port)",
            audience: "https://orders.example",
            algorithms: [.rs256, .es256, .edDSA]
        )
        state.withLock { $0 = issuer }
        return issuer
    }

    var metadata: String {
        state.withLock { issuer in issuer.map { $0.metadata(jwksURL: $0.issuer + "/jwks") } ?? "{}" }
    }

    var keySet: String { state.withLock { $0?.keySet ?? "{}" } }
}
#endif
