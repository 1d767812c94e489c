// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuardTesting
import Hummingbird
import Logging
import NIOCore

/// A real Hummingbird server on loopback, on a port that the system chose.
enum LoopbackServer {
    struct DidNotStart: Error {}

    /// Serves `routes` while `body` runs with the address, `http://127.0.0.1:…`.
    static func serve<Routes: HTTPResponderBuilder>(
        _ routes: Routes,
        _ body: (String) async throws -> Void
    ) async throws where Routes.Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
        var logger = Logger(label: "loopback")
        logger.logLevel = .critical
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: routes,
            server: .droppingConnections,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? 0)
                continuation.finish()
            },
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                defer { continuation.finish() }
                try await application.run()
            }
            for await port in ports { return try await body("http://127.0.0.1:\(port)") }
            throw DidNotStart()
        }
    }

    /// Waits until the server is taken down: the answer that never comes.
    static func silence() async {
        let (never, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        continuation.finish()
    }
}
#endif
