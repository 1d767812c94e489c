// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
package import BearerGuardTesting
import Hummingbird
import NIOCore

/// The whole system on one machine: authorization server, API and web application, over real HTTP on loopback.
package struct DemoSite: Sendable {
    package let server: LocalAuthorizationServer
    let apiURL: String
    /// The web application's address.
    package let appURL: String

    /// Starts it, runs `body` and ends it.
    ///
    /// - Parameters:
    ///   - observer: is told of every decision of the API's guard.
    ///   - onMessage: is told of every message of the flow.
    static func run<Value>(
        observer: (any GuardObserver)?,
        onMessage: @escaping @Sendable (FlowMessage) -> Void,
        _ body: (DemoSite) async throws -> Value
    ) async throws -> Value {
        let log = FlowLog(onMessage: onMessage)
        let server = try await LocalAuthorizationServer.start(configuration, port: 0) { exchange in
            note(exchange, log)
        }
        let fetcher = try AsyncHTTPClientFetcher()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            do {
                let requestGuard = try makeGuard(for: server, fetcher: fetcher, observer: observer)
                let apiPort = try await start(in: &group) { DemoServers.api(guardedBy: requestGuard, onRunning: $0) }
                let apiURL = "http://127.0.0.1:\(apiPort)"
                let app = WebApp(server: server, apiURL: apiURL, log: log)
                let router = app.router
                let appPort = try await start(in: &group) { DemoServers.application(router, $0) }
                try app.open(port: appPort)
                let value = try await body(DemoSite(server: server, apiURL: apiURL, appURL: app.origin))
                await fetcher.shutdown()
                await server.stop()
                return value
            } catch {
                await fetcher.shutdown()
                await server.stop()
                throw error
            }
        }
    }

    private static var configuration: LocalAuthorizationServer.Configuration {
        var configuration = LocalAuthorizationServer.Configuration()
        configuration.audiences = ["https://orders.example"]
        configuration.scopes = ["orders:read", "orders:write"]
        configuration.algorithms = [.rs256, .es256, .edDSA]
        configuration.users = [LocalIssuer.alice]
        return configuration
    }

    private static func makeGuard(
        for server: LocalAuthorizationServer,
        fetcher: AsyncHTTPClientFetcher,
        observer: (any GuardObserver)?
    ) throws -> RequestGuard {
        // The demo rotates a key seconds after the first fetch; a real issuer does not, and a cooldown would be right.
        let policy = try RefreshPolicy(cooldown: .zero)
        let keys = try RemoteKeys(
            discovering: server.issuer,
            fetcher: fetcher,
            allowsLoopbackHTTP: true,
            policy: policy,
            alias: "demo"
        )
        let trusted = try TrustedIssuer(policy: try server.policy(), keys: keys, alias: "demo")
        return try RequestGuard(issuers: [trusted], realm: "orders", observer: observer)
    }

    /// Starts a server and returns its port once it listens.
    private static func start<Server: ApplicationProtocol>(
        in group: inout ThrowingTaskGroup<Void, any Error>,
        _ make: (@escaping @Sendable (Int) -> Void) -> Server
    ) async throws -> Int {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = make { port in
            continuation.yield(port)
            continuation.finish()
        }
        group.addTask {
            defer { continuation.finish() }
            try await server.run()
        }
        for await port in ports { return port }
        throw DemoError.serverDidNotStart
    }

    /// The messages between browser and authorization server, which the application does not see.
    private static func note(_ exchange: AuthorizationServerExchange, _ log: FlowLog) {
        let (request, response) = (exchange.request, exchange.response)
        let form = FormParameters(request.body)
        switch exchange.endpoint {
        case .authorization where response.status == 200:
            log.note(
                2,
                "The authorization server shows its authentication prompt",
                ["GET \(request.path)?…", "200 a page with a form"]
            )
        case .authorization:
            log.note(2, "The authorization server answers at once", ["GET \(request.path)?…", "\(response.status)"])
        case .signIn, .signUp:
            guard request.method == "POST" else { return }
            let username = form?["username"] ?? ""
            log.note(
                3,
                response.status == 303 ? "The resource owner authenticates" : "The authentication fails",
                ["POST \(request.path)"] + FlowLog.lines([("username", username), ("password", "")])
                    + ["\(response.status)"]
            )
        case .consent:
            log.note(
                3,
                "The resource owner decides about consent",
                ["POST \(request.path)"] + FlowLog.lines([("decision", form?["decision"] ?? "")])
                    + ["\(response.status)"]
            )
        default: return
        }
    }
}

enum DemoError: Error {
    case serverDidNotStart
    case unexpectedPage
}
#endif
