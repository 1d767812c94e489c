// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// The auth service that gateways ask, from its start until it has drained.
package struct GatewayService: Sendable {
    /// An address cannot be listened at.
    package struct CannotListen: Error {
        package let message: String
    }

    /// Reads the configuration, at the start and at every change.
    package let load: @Sendable () throws(PolicyDocument.Faults) -> GatewayDocument
    /// The files whose change is a change of the configuration.
    package let files: [String]
    /// Where relative file names of the configuration start.
    package let directory: String

    /// A service.
    package init(
        files: [String],
        relativeTo directory: String,
        load: @escaping @Sendable () throws(PolicyDocument.Faults) -> GatewayDocument
    ) {
        self.files = files
        self.directory = directory
        self.load = load
    }

    /// Serves until SIGTERM or SIGINT; SIGHUP, or a change of the files, reads the configuration again.
    ///
    /// - Parameter onListening: called for each listener with the port that it has; 0 for a Unix socket.
    /// - Throws: ``PolicyDocument/Faults`` or ``ConfigurationError`` when the configuration cannot be used, and
    ///   ``CannotListen``.
    package func run(onListening: @escaping @Sendable (GatewayDocument.Listener, Int) -> Void) async throws {
        let document = try load()
        let log = GatewayLog(level: document.logLevel)
        let state = try GatewayState(document, relativeTo: directory, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            do {
                try await serve(state, document, onListening)
            } catch {
                await state.close()
                log.close()
                throw error
            }
            await state.close()
            log.note(.info, "ended")
            log.close()
            try await group.waitForAll()
        }
    }

    private func serve(
        _ state: GatewayState,
        _ document: GatewayDocument,
        _ onListening: @escaping @Sendable (GatewayDocument.Listener, Int) -> Void
    ) async throws {
        var logger = Logger(label: "bearerguard")
        logger.logLevel = .critical
        let responder = GatewayResponder(state: state, limit: document.limits.concurrentRequests)
        var services: [any Service] = [ConfigurationWatch(service: self, state: state)]
        for listener in document.listeners {
            services.append(
                Application(
                    responder: responder,
                    server: .http1(
                        configuration: .init(
                            idleTimeout: .seconds(Int64(document.limits.idleSeconds)),
                            httpDecoderConfiguration: .init(
                                maxHeaderFieldSize: 32 * 1024,
                                maxHeaderListSize: 64 * 1024,
                                maxHeaderFieldCount: 200
                            )
                        )
                    ),
                    configuration: .init(
                        address: listener.bindAddress,
                        backlog: 1024,
                        availableConnectionsDelegate: MaximumAvailableConnections(
                            document.limits.connections,
                            logger: logger
                        )
                    ),
                    onServerRunning: { channel in
                        state.log.note(.info, "listening", [("address", .string(listener.description))])
                        onListening(listener, channel.localAddress?.port ?? 0)
                    },
                    logger: logger
                )
            )
        }
        var configuration = ServiceGroupConfiguration(
            services: services,
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = .seconds(document.limits.drainSeconds)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as IOError {
            let places = document.listeners.map(\.description).joined(separator: ", ")
            throw CannotListen(message: "cannot listen at \(places): \(error)")
        }
    }

    /// Reads the configuration again and puts it in force, or says why not.
    func reload(_ state: GatewayState) async {
        do {
            let document = try load()
            try await state.replace(by: document)
            state.metrics.noteReload(isGood: true)
            state.log.note(.info, "configuration in force", [("rules", .integer(Int64(document.rules.rules.count)))])
        } catch {
            state.metrics.noteReload(isGood: false)
            let message = (error as? ConfigurationError)?.message ?? "\(error)"
            state.log.note(
                .warning,
                "configuration refused, the old one stays in force",
                [("faults", .string(message))]
            )
        }
    }
}

extension GatewayDocument.Listener {
    fileprivate var bindAddress: BindAddress {
        switch self {
        case .address(let host, let port): .hostname(host, port: port)
        case .unixSocket(let path): .unixDomainSocket(path: path)
        }
    }
}

/// Notices SIGHUP and changes of the configuration's files.
private struct ConfigurationWatch: Service {
    let service: GatewayService
    let state: GatewayState

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { continuation.yield() }
                    continuation.finish()
                }
                group.addTask {
                    var stamps = service.files.map(LocalFile.stamp)
                    while (try? await Task.sleep(for: .seconds(2))) != nil {
                        let now = service.files.map(LocalFile.stamp)
                        if now != stamps { continuation.yield() }
                        stamps = now
                    }
                }
                for await _ in changes { await service.reload(state) }
                group.cancelAll()
            }
        }
    }
}
#endif
