// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
public import BearerGuard
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// An OAuth 2.0 and OpenID Connect provider on loopback, for tests and development and for nothing else.
///
/// ```swift
/// var configuration = LocalAuthorizationServer.Configuration()
/// configuration.clients = [.init("app", authentication: .none, redirectURIs: ["http://localhost:3000/callback"])]
/// configuration.users = [.init("alice", password: "alice")]
/// let server = try await LocalAuthorizationServer.start(configuration)
/// let keys = try RemoteKeys(discovering: server.issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
/// let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: server.policy(), keys: keys)])
/// let token = try server.signIn("alice", to: "app", scopes: ["read"]).accessToken
/// await server.stop()
/// ```
///
/// It speaks the authorization code flow with PKCE, refresh with rotation, client credentials, discovery, introspection,
/// revocation, userinfo and logout. Passwords and keys are in memory, in the clear; it listens at 127.0.0.1 alone.
public final class LocalAuthorizationServer: Sendable {
    let engine: AuthorizationServerEngine
    private let responder: LocalResponder
    private let port: Int
    /// Nil while it refuses.
    private let serving: Mutex<Task<Void, any Error>?>

    private init(
        _ engine: AuthorizationServerEngine,
        _ responder: LocalResponder,
        port: Int,
        _ serving: Task<Void, any Error>
    ) {
        self.engine = engine
        self.responder = responder
        self.port = port
        self.serving = Mutex(serving)
    }

    deinit { serving.withLock { $0?.cancel() } }

    /// Starts a server at 127.0.0.1.
    ///
    /// - Parameters:
    ///   - configuration: the clients, the users and what tokens look like.
    ///   - port: where it listens; 0 for any port that is free.
    ///   - clock: the time of day that tokens are issued at.
    /// - Throws: ``ConfigurationError`` when the configuration cannot be used or the port is taken.
    public static func start(
        _ configuration: Configuration,
        port: Int = 0,
        clock: WallClock = .system
    ) async throws(ConfigurationError) -> LocalAuthorizationServer {
        try await start(configuration, port: port, clock: clock, onExchange: { _ in })
    }

    /// Starts a server and tells `onExchange` of every request and what was answered.
    package static func start(
        _ configuration: Configuration,
        port: Int,
        clock: WallClock = .system,
        onExchange: @escaping @Sendable (AuthorizationServerExchange) -> Void
    ) async throws(ConfigurationError) -> LocalAuthorizationServer {
        guard (0...65_535).contains(port) else { throw ConfigurationError("port must be 0 to 65535") }
        try configuration.check()
        func makeEngine(at port: Int) throws(ConfigurationError) -> AuthorizationServerEngine {
            try AuthorizationServerEngine(configuration, origin: "http://127.0.0.1:\(port)", clock: clock)
        }
        let responder = LocalResponder(onExchange: onExchange)
        // Who knows the port may ask at once; of one that the system chooses nobody knows before there is an engine.
        if port > 0 { responder.serve(try makeEngine(at: port)) }
        let (opened, serving) = try await listen(responder, port: port)
        do throws(ConfigurationError) {
            let engine = if let engine = responder.engine { engine } else { try makeEngine(at: opened) }
            responder.serve(engine)
            return LocalAuthorizationServer(engine, responder, port: opened, serving)
        } catch {
            serving.cancel()
            throw error
        }
    }

    /// Listens, and returns the port once it does.
    private static func listen(
        _ responder: LocalResponder,
        port: Int
    ) async throws(ConfigurationError) -> (port: Int, serving: Task<Void, any Error>) {
        var logger = Logger(label: "bearerguard.issuer")
        logger.logLevel = .critical
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            responder: responder,
            server: .droppingConnections,
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? 0)
                continuation.finish()
            },
            logger: logger
        )
        let serving = Task {
            defer { continuation.finish() }
            try await application.run()
        }
        for await port in ports { return (port, serving) }
        throw ConfigurationError("cannot listen at 127.0.0.1:\(port): is the port taken?")
    }

    /// Ends it and every connection.
    public func stop() async { await refuse() }

    /// Refuses connections from now on, on the same port; what it knows is kept.
    public func refuse() async {
        let ending = serving.withLock { serving in
            defer { serving = nil }
            return serving
        }
        ending?.cancel()
        _ = await ending?.result
    }

    /// Accepts connections again.
    ///
    /// - Throws: ``ConfigurationError`` when the port was taken meanwhile.
    public func accept() async throws(ConfigurationError) {
        guard serving.withLock({ $0 }) == nil else { return }
        let opened = try await Self.listen(responder, port: port)
        serving.withLock { $0 = opened.serving }
    }

    /// `iss` of its tokens, where discovery starts.
    public var issuer: String { engine.issuer }

    /// The address of an endpoint.
    public func url(_ endpoint: Endpoint) -> String { engine.url(endpoint) }

    /// Its keys: rotates and withdraws them, and mints any token under them, good or bad.
    public var keys: TestIssuer { engine.keys }

    /// A policy that takes its access tokens.
    public func policy() throws(ConfigurationError) -> ValidationPolicy {
        let configuration = engine.configuration
        let shape = configuration.accessTokens
        return try ValidationPolicy(
            issuer: issuer,
            // Cognito's tokens name the client in place of the API.
            audience: shape == .cognito ? configuration.clients.map(\.clientID) : configuration.audiences,
            algorithms: Set(configuration.algorithms),
            preset: shape.preset
        )
    }

    /// Adds a client, or puts it in the place of one of the same `client_id`.
    public func add(_ client: Client) throws(ConfigurationError) {
        var configuration = Configuration()
        configuration.clients = [client]
        try configuration.check()
        engine.state.withLock { $0.clients[client.clientID] = client }
    }

    /// Adds a user, or puts them in the place of one of the same name.
    public func add(_ user: User) { engine.state.withLock { $0.users[user.username] = user } }

    /// Sets `Cache-Control` of the key set.
    public func setKeySetCacheControl(_ value: String) {
        engine.state.withLock { $0.keySetCacheControl = value }
    }

    /// Sets what is done with requests to an endpoint: one after the other, the last again and again.
    ///
    /// - Parameter answers: what a provider does on its bad days, or nil for what it does by itself; none to go on as
    ///   before.
    public func script(_ endpoint: Endpoint, _ answers: FaultServer.Answer?...) {
        responder.script(endpoint, answers)
    }

    /// How often an endpoint was asked.
    public func count(of endpoint: Endpoint) -> Int { responder.count(of: endpoint) }
}
#else
/// Nothing without its trait: build with `traits: ["LocalAuthorizationServer"]`.
@available(*, unavailable, message: "turn on the trait LocalAuthorizationServer of the package BearerGuard")
public enum LocalAuthorizationServer {}
#endif
