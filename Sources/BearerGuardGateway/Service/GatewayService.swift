// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The auth service that gateways ask, from its start until it has drained.
package struct GatewayService: Sendable {
    /// An address cannot be listened at.
    package struct CannotListen: Error {
        package let message: String
    }

    /// Reads a configuration, at the start and at every change.
    private let load: @Sendable (_ path: String) throws -> GatewayDocument
    private let file: String
    private let directory: String

    /// A service.
    ///
    /// - Parameters:
    ///   - file: the configuration.
    ///   - directory: where relative file names in it start.
    ///   - load: reads a configuration.
    package init(
        file: String,
        relativeTo directory: String,
        load: @escaping @Sendable (_ path: String) throws -> GatewayDocument
    ) {
        self.file = file
        self.directory = directory
        self.load = load
    }

    /// The configuration, and the one beside it.
    private func read() throws -> (live: GatewayDocument, shadow: GatewayDocument?) {
        let document = try load(file)
        guard let name = document.shadow else { return (document, nil) }
        return (document, try load(place(name)))
    }

    private func place(_ path: String) -> String {
        path.hasPrefix("/") || directory.isEmpty ? path : "\(directory)/\(path)"
    }

    /// Serves until SIGTERM or SIGINT; SIGHUP, or a change of the files, reads the configuration again.
    ///
    /// - Throws: ``PolicyDocument/Faults`` or ``ConfigurationError`` when the configuration cannot be used, and
    ///   ``CannotListen``.
    package func run() async throws {
        let (document, shadow) = try read()
        let log = GatewayLog(level: document.logLevel)
        let state = try GatewayState(document, shadow: shadow, relativeTo: directory, log: log)
        warn(of: document, log)
        // They end with the process: a task that the server leaves behind at its end may ask something of them yet.
        let threads = MultiThreadedEventLoopGroup(
            numberOfThreads: document.limits.threads ?? max(1, System.coreCount / 2)
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await log.run() }
            do {
                try await serve(state, document, on: threads)
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
        on threads: MultiThreadedEventLoopGroup
    ) async throws {
        var logger = Logger(label: "bearerguard")
        logger.logLevel = .critical
        let questions = GatewayQuestions(state: state, limit: document.limits.concurrentRequests)
        let tls = try document.tls.map { try tlsConfiguration($0) }
        let watched = [file] + [document.shadow.map(place)].compactMap(\.self)
        var services: [any Service] = [ConfigurationWatch(service: self, state: state, files: WatchedFiles(watched))]
        for listener in document.listeners {
            if case .unixSocket(let path) = listener, UnixSocket.isListenedAt(path) {
                throw CannotListen(message: "cannot listen at \(listener.description): another process does")
            }
            func application(_ responder: some HTTPResponder<GatewayRequestContext>) throws -> any Service {
                Application(
                    responder: responder,
                    server: try server(for: listener, document.limits, tls, questions),
                    configuration: .init(
                        address: listener.bindAddress,
                        backlog: 1024,
                        availableConnectionsDelegate: MaximumAvailableConnections(
                            document.limits.connections,
                            logger: logger
                        )
                    ),
                    onServerRunning: { channel in
                        let address = listener.withPort(channel.localAddress?.port ?? 0)
                        state.log.note(.info, "listening", [("address", .string(address))])
                    },
                    eventLoopGroupProvider: .shared(threads),
                    logger: logger
                )
            }
            if case .grpc = listener {
                services.append(try application(EnvoyResponder(questions: questions)))
            } else {
                services.append(try application(GatewayResponder(questions: questions)))
            }
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
            let reason =
                unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) } ?? "error \(error.errnoCode)"
            throw CannotListen(message: "cannot listen at \(places): \(reason)")
        }
    }

    private func server(
        for listener: GatewayDocument.Listener,
        _ limits: GatewayDocument.Limits,
        _ tls: TLSConfiguration?,
        _ questions: GatewayQuestions
    ) throws -> HTTPServerBuilder {
        if case .grpc = listener {
            let http2 = HTTP2ChannelConfiguration(
                idleTimeout: .seconds(limits.idleSeconds),
                gracefulCloseTimeout: .seconds(limits.drainSeconds)
            )
            guard let tls else { return .plaintextHTTP2(configuration: http2) }
            return try .http2Upgrade(tlsConfiguration: tls, configuration: http2)
        }
        let plain = HTTPServerBuilder { responder in
            QuestionChannel(
                http1: HTTP1Channel(
                    responder: responder,
                    configuration: .init(
                        httpDecoderConfiguration: .init(
                            maxHeaderFieldSize: 32 * 1024,
                            maxHeaderListSize: 64 * 1024,
                            maxHeaderFieldCount: 200
                        )
                    )
                ),
                idleTimeout: .seconds(Int64(limits.idleSeconds)),
                questions: questions
            )
        }
        return try tls.map { try HTTPServerBuilder.tls(plain, tlsConfiguration: $0) } ?? plain
    }

    private func tlsConfiguration(_ files: GatewayDocument.TLSFiles) throws(ConfigurationError) -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(place(files.certificate)).map(
                NIOSSLCertificateSource.certificate
            )
            let key = try NIOSSLPrivateKey(file: place(files.key), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain,
                privateKey: .privateKey(key)
            )
            configuration.minimumTLSVersion = .tlsv12
            if let authorities = files.clientAuthorities {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(place(authorities)))
                // Gateways have no host name to be known by: who signed them decides.
                configuration.certificateVerification = .noHostnameVerification
            }
            return configuration
        } catch {
            throw ConfigurationError("gateway.tls: a file cannot be read or is not what it should be")
        }
    }

    /// Says what `--check` would have said.
    private func warn(of document: GatewayDocument, _ log: GatewayLog) {
        for warning in document.rules.warnings { log.note(.warning, "rule", [("fault", .string("\(warning)"))]) }
    }

    /// Reads the configuration again and puts it in force, or says why not.
    func reload(_ state: GatewayState) async {
        do {
            let (document, shadow) = try read()
            try await state.replace(by: document, shadow: shadow)
            state.metrics.noteReload(isGood: true)
            state.log.note(.info, "configuration in force", [("rules", .integer(Int64(document.rules.rules.count)))])
            warn(of: document, state.log)
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
        case .address(let host, let port), .grpc(let host, let port): .hostname(host, port: port)
        case .unixSocket(let path): .unixDomainSocket(path: path)
        }
    }
}

/// Notices SIGHUP and changes of the configuration's files.
private struct ConfigurationWatch: Service {
    let service: GatewayService
    let state: GatewayState
    let files: WatchedFiles

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            await withDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { continuation.yield() }
                    continuation.finish()
                }
                group.addTask {
                    while (try? await Task.sleep(for: .seconds(2))) != nil {
                        if files.haveChanged { continuation.yield() }
                    }
                }
                for await _ in changes {
                    files.noteRead()
                    await service.reload(state)
                }
                group.cancelAll()
            }
        }
    }
}
#endif
