// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
// begin
import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Hummingbird
import HummingbirdTesting
import Testing

/// The application as production builds it, but for the guard that it is given.
func ordersApplication(guardedBy requestGuard: RequestGuard) -> some ApplicationProtocol {
    let router = Router(context: BasicAccessTokenRequestContext.self)
    router.get("/health") { _, _ in "ok" }
    router.guarded(by: requestGuard, requiring: .scopes("orders:read"))
        .get("/orders") { _, context in "orders of \(context.accessToken?.subject ?? "")" }
    router.guarded(by: requestGuard, requiring: .scopes("orders:write"))
        .post("/orders") { _, _ in HTTPResponse.Status.created }
    return Application(router: router)
}

@Suite("The orders API")
struct OrdersAPITests {
    let clock = ManualClock()
    let events = RecordedEvents()
    let issuer: TestIssuer
    let application: any ApplicationProtocol

    init() throws {
        issuer = try TestIssuer(clock: clock.wall)
        application = ordersApplication(guardedBy: try issuer.makeGuard(observer: events))
    }

    /// Asks the API and expects a status; a failure prints why the guard decided as it did.
    func ask(_ method: HTTPRequest.Method, _ token: String?, expecting status: HTTPResponse.Status) async throws {
        let headers: HTTPFields = token.map { [.authorization: "Bearer \($0)"] } ?? [:]
        try await application.test(.router) { client in
            try await client.execute(uri: "/orders", method: method, headers: headers) { response in
                #expect(response.status == status, "\(events.explanation)")
                #expect((response.headers[.wwwAuthenticate] == nil) == (status.code < 400))
            }
        }
    }

    @Test("A token opens the routes whose scopes it has, and no others")
    func scopes() async throws {
        try await ask(.get, issuer.token(scopes: ["orders:read"]), expecting: .ok)
        try await ask(.post, issuer.token(scopes: ["orders:read"]), expecting: .forbidden)
        try await ask(.post, issuer.token(scopes: ["orders:write"]), expecting: .created)
        try await ask(.get, nil, expecting: .unauthorized)
    }

    @Test("A flawed token opens nothing", arguments: TestIssuer.Flaw.allCases)
    func flaws(_ flaw: TestIssuer.Flaw) async throws {
        try await ask(.get, issuer.token(with: flaw, scopes: ["orders:read"]), expecting: .unauthorized)
    }

    @Test("A token ends when its time has come, and 30 seconds of clock skew later")
    func expiry() async throws {
        let token = issuer.token(scopes: ["orders:read"], lifetime: 300)
        clock.advance(by: 329)
        try await ask(.get, token, expecting: .ok)
        clock.advance(by: 1)
        try await ask(.get, token, expecting: .unauthorized)
        #expect(events.decisions.last?.outcome == "expired")
    }
}
// end
#endif
