// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if AsyncHTTPClient
import AsyncHTTPClient
public import BearerGuard
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Fetches key sets and metadata with async-http-client: no redirects, no content decoding, TLS 1.2 or later with the
/// host verified, bytes counted while they stream in, and one deadline for the whole exchange.
public final class AsyncHTTPClientFetcher: HTTPFetcher {
    /// What differs from a plain client.
    public struct Options: Sendable {
        /// A file of PEM certificates to trust in place of the system's, for a private CA.
        public var trustRootsFile: String?
        /// A proxy to go through.
        public var proxy: (host: String, port: Int)?
        /// Header fields to add to every request.
        public var extraHeaders: [(name: String, value: String)] = []
        /// A file whose text is sent as `Authorization: Bearer …`, read again when it changes: a Kubernetes service
        /// account's own token, which its API server asks for.
        public var bearerTokenFile: String?

        /// No private CA, no proxy, no extra headers, no token.
        public init() {}

        /// What an issuer of a policy document asks for.
        ///
        /// - Parameters:
        ///   - issuer: names its files.
        ///   - directory: where relative file names start; empty for the working directory.
        public init(_ issuer: PolicyDocument.Issuer, relativeTo directory: String) {
            func place(_ path: String) -> String {
                path.hasPrefix("/") || directory.isEmpty ? path : "\(directory)/\(path)"
            }
            trustRootsFile = issuer.trustRootsFile.map(place)
            bearerTokenFile = issuer.bearerTokenFile.map(place)
        }
    }

    private let client: HTTPClient
    private let options: Options
    private let bearerToken: BearerTokenFile?

    /// A fetcher with a client of its own, which ends with it or earlier by ``shutdown()``.
    ///
    /// - Throws: ``ConfigurationError`` when the file of trust roots cannot be read.
    public init(options: Options = Options()) throws(ConfigurationError) {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let file = options.trustRootsFile {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
            } catch {
                throw ConfigurationError("\(file): no certificates in PEM")
            }
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(2)),
            decompression: .disabled
        )
        // The first failure to connect is the answer: retrying is the refresh policy's business, and a client that
        // retries by itself would report every cause as a timeout.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.proxy = options.proxy.map { .server(host: $0.host, port: $0.port) }
        if options.proxy == nil {
            // Names are resolved by the client: only the connection itself shows where one led (DNS rebinding).
            configuration.http1_1ConnectionDebugInitializer = Self.refuseForbiddenAddress
            configuration.http2ConnectionDebugInitializer = Self.refuseForbiddenAddress
        }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.options = options
        bearerToken = options.bearerTokenFile.map(BearerTokenFile.init)
    }

    /// Ends a connection to an address that keys are never fetched from, before a byte of HTTP is sent.
    @Sendable
    private static func refuseForbiddenAddress(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let address = channel.remoteAddress?.ipAddress, ForbiddenAddress.contains(address) else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        channel.close(promise: nil)
        return channel.eventLoop.makeFailedFuture(FetchError.forbiddenAddress)
    }

    deinit {
        // A client that is dropped while it runs stops a debug build; nobody can wait for this one any more.
        client.shutdown { _ in }
    }

    /// Closes connections.
    ///
    /// Fetching afterwards fails.
    public func shutdown() async {
        try? await client.shutdown()
    }

    /// Performs one GET.
    public func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
        do {
            return try await exchange(request)
        } catch {
            throw Self.classify(error)
        }
    }

    private func exchange(_ request: FetchRequest) async throws -> FetchResponse {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.headers.add(name: "Accept", value: "application/json, application/jwk-set+json")
        outgoing.headers.add(name: "User-Agent", value: "BearerGuard")
        for header in options.extraHeaders { outgoing.headers.add(name: header.name, value: header.value) }
        if let bearerToken {
            guard let token = bearerToken.current() else { throw FetchError.failed }
            outgoing.headers.add(name: "Authorization", value: "Bearer \(token)")
        }
        if let tag = request.entityTag { outgoing.headers.add(name: "If-None-Match", value: tag) }
        if let time = request.lastModified { outgoing.headers.add(name: "If-Modified-Since", value: time) }
        let prepared = outgoing
        let client = client
        // A deadline around headers and body alike: a server that drips a byte a second must not hold us.
        return try await withThrowingTaskGroup(of: FetchResponse.self) { group in
            group.addTask {
                let deadline = NIODeadline.now() + .nanoseconds(request.deadline.inNanoseconds)
                let response = try await client.execute(prepared, deadline: deadline)
                if let length = response.headers.first(name: "Content-Length").flatMap({ Int($0) }),
                    length > request.maximumBytes
                {
                    throw FetchError.tooLarge
                }
                // `Content-Encoding` stays undone: a small body that unfolds is never unfolded here.
                var body: [UInt8] = []
                for try await part in response.body {
                    guard body.count + part.readableBytes <= request.maximumBytes else { throw FetchError.tooLarge }
                    body.append(contentsOf: part.readableBytesView)
                }
                return FetchResponse(
                    status: Int(response.status.code),
                    fields: Dictionary(
                        response.headers.map { ($0.name.lowercased(), $0.value) },
                        uniquingKeysWith: { "\($0), \($1)" }
                    ),
                    body: body
                )
            }
            group.addTask {
                try await Task.sleep(for: request.deadline)
                throw FetchError.timeout
            }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw FetchError.failed }
            return response
        }
    }

    private static func classify(_ error: any Error) -> FetchError {
        switch error {
        case let error as FetchError: error
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .tlsHandshakeTimeout,
                .getConnectionFromPoolTimeout:
                .timeout
            case .remoteConnectionClosed: .connection
            default: .failed
            }
        case HTTPParserError.invalidEOFState: .connection
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: .tls
        case is NIOConnectionError, is IOError, is ChannelError: .connection
        default: .failed
        }
    }
}

extension Duration {
    fileprivate var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(seconds, 3600) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

#else
/// Nothing without its trait: build with `traits: ["AsyncHTTPClient"]`.
@available(*, unavailable, message: "turn on the trait AsyncHTTPClient of the package BearerGuard")
public enum BearerGuardAsyncHTTPClientIsOff {}
#endif
