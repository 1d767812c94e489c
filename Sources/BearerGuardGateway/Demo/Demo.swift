// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import AsyncHTTPClient
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization
import UnixSignals

/// The whole path on one machine: an issuer, an API and a client, over real HTTP on loopback.
package enum Demo {
    /// Runs the demo.
    ///
    /// - Parameters:
    ///   - staysUp: whether to keep serving until Ctrl-C.
    ///   - print: takes each line.
    /// - Returns: whether every answer was the right one.
    package static func run(
        staysUp: Bool,
        print: @escaping @Sendable (String) -> Void
    ) async throws -> Bool {
        let demoIssuer = DemoIssuer()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            let issuerPort = try await start(in: &group) { DemoServers.issuer(demoIssuer, onRunning: $0) }
            let issuer = try demoIssuer.open(port: issuerPort)
            let observer = LastDecision()
            let fetcher = try AsyncHTTPClientFetcher()
            let requestGuard = try makeGuard(for: issuer, fetcher: fetcher, observer: observer)
            let apiPort = try await start(in: &group) { DemoServers.api(guardedBy: requestGuard, onRunning: $0) }
            let address = "http://127.0.0.1:\(apiPort)"
            print("issuer  \(issuer.issuer)   discovery and keys over HTTP")
            print("API     \(address)   Hummingbird, guarded by BearerGuard")
            print("")
            let wrong = try await play(DemoStep.script(issuer), at: address, observer: observer, print: print)
            print("")
            print(wrong == 0 ? "Every answer was the right one." : "\(wrong) answers were wrong.")
            if staysUp {
                for line in curlLines(issuer, address) { print(line) }
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
            }
            await fetcher.shutdown()
            return wrong == 0
        }
    }

    private static func makeGuard(
        for issuer: TestIssuer,
        fetcher: AsyncHTTPClientFetcher,
        observer: any GuardObserver
    ) throws -> RequestGuard {
        // The demo rotates a key seconds after the first fetch; a real issuer does not, and a cooldown would be right.
        let policy = try RefreshPolicy(cooldown: .zero)
        let keys = try RemoteKeys(
            discovering: issuer.issuer,
            fetcher: fetcher,
            allowsLoopbackHTTP: true,
            policy: policy,
            alias: "demo"
        )
        let trusted = try TrustedIssuer(policy: try issuer.policy(), keys: keys, alias: "demo")
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

    private static func play(
        _ steps: [DemoStep],
        at address: String,
        observer: LastDecision,
        print: (String) -> Void
    ) async throws -> Int {
        var table = DemoTable()
        print(table.head)
        var wrong = 0
        for step in steps {
            try step.before?()
            var request = HTTPClientRequest(url: address + step.path)
            request.method = .init(rawValue: step.method)
            for value in step.authorization { request.headers.add(name: "Authorization", value: value) }
            observer.forget()
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            _ = try await response.body.collect(upTo: 1 << 16)
            let challenges = response.headers["WWW-Authenticate"]
            let status = Int(response.status.code)
            let decision = observer.decision
            let outcome = step.isGuarded ? step.rejection?.text ?? "authorized" : nil
            let isRight =
                status == step.status && decision?.outcome == outcome && challenges.isEmpty == (step.rejection == nil)
            if !isRight { wrong += 1 }
            for line in table.rows(step, status: status, decision, challenges, isRight: isRight) { print(line) }
        }
        return wrong
    }

    private static func curlLines(_ issuer: TestIssuer, _ address: String) -> [String] {
        func token(_ scopes: String...) -> String { issuer.token(scopes: scopes, lifetime: 3600, algorithm: .es256) }
        return [
            "", "Still serving; Ctrl-C ends it. Tokens are good for an hour. Try:", "",
            "  # 401: no token", "  curl -i \(address)/orders", "",
            "  # 200: a token with the scope orders:read",
            "  curl -i -H 'Authorization: Bearer \(token("orders:read"))' \(address)/orders", "",
            "  # 200: a token with the scope orders:write",
            "  curl -i -X POST -H 'Authorization: Bearer \(token("orders:write"))' \(address)/orders", "",
            "  # 401: forged by another key",
            "  curl -i -H 'Authorization: Bearer \(issuer.token(with: .forgedKey, scopes: ["orders:read"]))' \(address)/orders",
            "", "  # the keys that the issuer publishes", "  curl \(issuer.issuer)/jwks",
        ]
    }
}

enum DemoError: Error {
    case serverDidNotStart
}

/// Remembers the last decision, which the API itself tells nobody.
private final class LastDecision: GuardObserver {
    private let state = Mutex<DecisionEvent?>(nil)

    var decision: DecisionEvent? { state.withLock { $0 } }

    func forget() { state.withLock { $0 = nil } }

    func observe(_ event: GuardEvent) {
        if case .decided(let decision) = event { state.withLock { $0 = decision } }
    }
}
#endif
