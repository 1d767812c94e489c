// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
package import HummingbirdCore
package import Logging
package import NIOCore
import Synchronization

/// HTTP/1.1 as Hummingbird speaks it, for servers that end while others still connect to them.
///
/// A connection that arrives just then is dropped, and for one that nobody has finished SwiftNIO ends the process.
package struct DroppableConnections: ServerChildChannel {
    /// A connection until it is handled.
    package final class Accepted: ServerChildChannelValue {
        package let channel: any Channel
        private let connection: Mutex<HTTP1Channel.Value?>

        init(_ connection: HTTP1Channel.Value) {
            channel = connection.channel
            self.connection = Mutex(connection)
        }

        deinit {
            guard let connection = take() else { return }
            Task { try? await connection.executeThenClose { _, _ in } }
        }

        /// The connection, for whoever asks first.
        func take() -> HTTP1Channel.Value? {
            connection.withLock { connection in
                defer { connection = nil }
                return connection
            }
        }
    }

    private let http1: HTTP1Channel

    package init(_ http1: HTTP1Channel) { self.http1 = http1 }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Accepted> {
        http1.setup(channel: channel, logger: logger).map(Accepted.init)
    }

    package func handle(value: Accepted, logger: Logger) async {
        if let connection = value.take() { await http1.handle(value: connection, logger: logger) }
    }
}

extension HTTPServerBuilder {
    /// A server of HTTP/1.1 that may end at any moment.
    package static var droppingConnections: HTTPServerBuilder {
        HTTPServerBuilder { DroppableConnections(HTTP1Channel(responder: $0)) }
    }
}
#endif
