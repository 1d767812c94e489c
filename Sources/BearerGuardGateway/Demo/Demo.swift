// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import AsyncHTTPClient
import BearerGuard
import BearerGuardTesting
import NIOCore
import NIOHTTP1
import Synchronization
import UnixSignals

/// The demo: the authorization code flow, and requests of every kind to an API.
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
        let observer = LastDecision()
        return try await DemoSite.run(observer: observer, onMessage: { show($0, print) }) { site in
            print("authorization server  \(site.server.issuer)")
            print("web application       \(site.appURL)")
            print("API                   \(site.apiURL)   Hummingbird, guarded by BearerGuard")
            print("")
            print("The authorization code flow:")
            let isAnswered = try await walk(site)
            print("")
            print("What the API accepts and refuses:")
            let issuer = site.server.keys
            let wrong = try await play(DemoStep.script(issuer), at: site.apiURL, observer: observer, print: print)
            print("")
            let isRight = isAnswered && wrong == 0
            print(
                isRight
                    ? "Every answer was the right one."
                    : "\(wrong) answers were wrong\(isAnswered ? "" : ", and the flow did not end with one")."
            )
            if staysUp {
                for line in curlLines(issuer, site.apiURL) { print(line) }
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
            }
            return isRight
        }
    }

    /// Serves the web application for a browser until Ctrl-C.
    ///
    /// - Parameters:
    ///   - print: takes each line.
    ///   - body: what to do while it serves; waits for the signal unless given.
    package static func serve(
        print: @escaping @Sendable (String) -> Void,
        while body: (DemoSite) async throws -> Void = { _ in
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
        }
    ) async throws {
        try await DemoSite.run(observer: nil, onMessage: { show($0, print) }) { site in
            print("Open \(site.appURL)/ in a browser; Ctrl-C ends it.")
            print("Sign in as alice, password alice, or register. The messages of the flow appear here, too.")
            print("")
            try await body(site)
        }
    }

    private static func show(_ message: FlowMessage, _ print: (String) -> Void) {
        print("\(message.number.map { "(\($0))" } ?? "   ") \(message.title)")
        for line in message.lines { print("      \(line)") }
    }

    /// Goes through the flow as alice does; true if the API answered her at the end.
    private static func walk(_ site: DemoSite) async throws -> Bool {
        var browser = DemoBrowser()
        do {
            let app = try await browser.open(site.appURL + "/")
            let scopes = ["openid", "profile", "offline_access", "orders:read"].map { (name: "scope", value: $0) }
            let prompt = try await browser.submit(app, "/sign-in", scopes)
            let consent = try await browser.submit(prompt, "/sign-in", [("username", "alice"), ("password", "alice")])
            let signedIn = try await browser.submit(consent, "/consent", [("decision", "allow")])
            let answered = try await browser.submit(signedIn, "/call", [("method", "GET")])
            await browser.shutdown()
            return answered.text.contains("GET /orders → 200")
        } catch {
            await browser.shutdown()
            throw error
        }
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
