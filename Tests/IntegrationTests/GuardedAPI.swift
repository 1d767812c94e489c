// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Hummingbird
import Synchronization

/// An API as a user of BearerGuard writes it, with a route of each kind, on a real server.
struct GuardedAPI {
    let issuer: TestIssuer
    private let requestGuard: RequestGuard
    private let handled = Handled()

    /// An API that trusts a new issuer, by its keys of this moment or by `keys`.
    init(keys: (any KeySource)? = nil) throws {
        let issuer = try TestIssuer()
        self.issuer = issuer
        guard let keys else {
            requestGuard = try issuer.makeGuard()
            return
        }
        requestGuard = try RequestGuard(issuers: [try TrustedIssuer(policy: try issuer.policy(), keys: keys)])
    }

    /// How many requests came through to a route.
    var handledCount: Int { handled.count }

    /// Serves it while `body` runs with the address.
    func serve(_ body: (String) async throws -> Void) async throws {
        let handled = handled
        let router = Router(context: BasicAccessTokenRequestContext.self)
        router.get("/health") { _, _ in
            handled.note()
            return "ok"
        }
        router.guarded(by: requestGuard).get("/identity") { _, context in
            handled.note()
            return Self.identity(context)
        }
        let orders = router.guarded(by: requestGuard, requiring: .scopes("orders:read", "orders:list"))
        orders.get("/orders") { _, context in
            handled.note()
            return Self.identity(context)
        }
        let greeting = router.group().add(middleware: BearerGuardMiddleware(requestGuard, isOptional: true))
        greeting.get("/greeting") { _, context in
            handled.note()
            return Self.identity(context)
        }
        try await LoopbackServer.serve(router, body)
    }

    private static func identity(_ context: BasicAccessTokenRequestContext) -> String {
        context.accessToken.map { "subject \($0.subject ?? "none")" } ?? "anonymous"
    }
}

private final class Handled: Sendable {
    private let state = Mutex(0)

    var count: Int { state.withLock { $0 } }

    func note() { state.withLock { $0 += 1 } }
}
#endif
