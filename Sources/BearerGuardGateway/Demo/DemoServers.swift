// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Hummingbird
import Logging
import NIOCore

/// The demo's own servers, on loopback and on ports that the system chose.
enum DemoServers {
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

    static func application<Responder: HTTPResponderBuilder>(
        _ router: Responder,
        _ onRunning: @escaping @Sendable (Int) -> Void
    ) -> Application<Responder.Responder> {
        var logger = Logger(label: "demo")
        logger.logLevel = .critical
        return Application(
            router: router,
            server: .droppingConnections,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in onRunning(channel.localAddress?.port ?? 0) },
            logger: logger
        )
    }
}
#endif
