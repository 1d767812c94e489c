// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Hummingbird
import Synchronization
import Testing

@Suite("Routes behind a guard, asked by curl", .enabled(if: Curl.isInstalled, "skipped: no /usr/bin/curl"))
struct GuardedRouteTests {
    private let api: GuardedAPI

    init() throws {
        api = try GuardedAPI()
    }

    private func bearer(_ token: String) -> [String] { ["Authorization: Bearer \(token)"] }

    /// What a token with a scope, one without and no token at all get.
    private func statuses(_ url: String, scope: String) async throws -> [Int?] {
        var statuses: [Int?] = []
        for headers in [bearer(api.issuer.token(scopes: [scope])), bearer(api.issuer.token()), []] {
            statuses.append(try await Curl.get(url, headers: headers).status)
        }
        return statuses
    }

    @Test("A public route asks for nothing")
    func publicRoute() async throws {
        try await api.serve { address in
            let answer = try await Curl.get(address + "/health")
            #expect(answer.status == 200)
            #expect(answer.body == "ok")
            #expect(answer.values("WWW-Authenticate") == [])
        }
    }

    @Test("A good token passes, and the route knows its subject")
    func goodToken() async throws {
        try await api.serve { address in
            let token = api.issuer.token(changes: ["sub": "alice"])
            let answer = try await Curl.get(address + "/identity", headers: bearer(token))
            #expect(answer.status == 200)
            #expect(answer.body == "subject alice")
            #expect(answer.values("WWW-Authenticate") == [])
        }
    }

    @Test("A route knows who asks in the application's own type; a token that says nothing of them is refused")
    func typedIdentity() async throws {
        let requestGuard = try api.issuer.makeGuard()
        let router = Router(context: CustomerContext.self)
        router.guarded(by: requestGuard, requiring: .scopes("read"))
            .get("/customer") { _, context in "customer \(try context.requireIdentity().number)" }
        router.get("/unguarded") { _, context in "customer \(try context.requireIdentity().number)" }
        try await LoopbackServer.serve(router) { address in
            func ask(_ path: String, _ changes: [String: JSONValue?]) async throws -> Curl.Answer {
                let token = api.issuer.token(scopes: ["read"], changes: changes)
                return try await Curl.get(address + path, headers: bearer(token))
            }
            #expect(try await ask("/customer", ["customer": 7]).body == "customer 7")
            let refused = try await ask("/customer", ["customer": "seven"])
            #expect(refused.status == 401)
            let challenge = try #require(refused.values("WWW-Authenticate").first)
            #expect(challenge.hasPrefix("Bearer realm=\"api\", error=\"invalid_token\""))
            #expect(try await ask("/customer", ["customer": 7, "scope": nil]).status == 403)
            #expect(try await ask("/unguarded", ["customer": 7]).status == 500)
        }
    }

    @Test("Middleware before a guard sees every request, middleware behind it those that may pass, with their token")
    func middlewareAroundAGuard() async throws {
        let requestGuard = try api.issuer.makeGuard()
        let before = Subjects()
        let behind = Subjects()
        let router = Router(context: BasicAccessTokenRequestContext.self)
        router.group("v1").add(middleware: NotingMiddleware(subjects: before))
            .guarded(by: requestGuard, requiring: .scopes("read"))
            .add(middleware: NotingMiddleware(subjects: behind))
            .get("/orders") { _, _ in "orders" }
        try await LoopbackServer.serve(router) { address in
            let statuses = try await statuses(address + "/v1/orders", scope: "read")
            #expect(statuses == [200, 403, 401])
        }
        #expect(before.all == [nil, nil, nil])
        #expect(behind.all == ["user-1"])
    }

    @Test("The middleware by itself lets in what is required, and nobody else")
    func middlewareAlone() async throws {
        let requestGuard = try api.issuer.makeGuard()
        let behind = Subjects()
        let router = Router(context: BasicAccessTokenRequestContext.self)
        router.group()
            .add(middleware: BearerGuardMiddleware(requestGuard, requiring: .scopes("read")))
            .add(middleware: NotingMiddleware(subjects: behind))
            .get("/orders") { _, _ in "orders" }
        try await LoopbackServer.serve(router) { address in
            let statuses = try await statuses(address + "/orders", scope: "read")
            #expect(statuses == [200, 403, 401])
        }
        #expect(behind.all == ["user-1"])
    }

    @Test("A guarded group in a guarded group asks for what both require")
    func guardBehindAGuard() async throws {
        let requestGuard = try api.issuer.makeGuard()
        let router = Router(context: BasicAccessTokenRequestContext.self)
        router.guarded(by: requestGuard, requiring: .scopes("read"))
            .guarded(by: requestGuard, requiring: .scopes("write"))
            .get("/orders") { _, _ in "orders" }
        try await LoopbackServer.serve(router) { address in
            for (scopes, status) in [(["read", "write"], 200), (["read"], 403), (["write"], 403)] {
                let token = api.issuer.token(scopes: scopes)
                let answer = try await Curl.get(address + "/orders", headers: bearer(token))
                #expect(answer.status == status)
            }
        }
    }

    @Test("The metadata of the API are public, where challenges say that they are")
    func metadata() async throws {
        let resource = try ProtectedResource(
            resource: "https://api.test/v1",
            authorizationServers: [api.issuer.issuer]
        )
        let router = Router()
        router.metadata(of: resource)
        try await LoopbackServer.serve(router) { address in
            let answer = try await Curl.get(address + "/.well-known/oauth-protected-resource/v1")
            #expect(answer.status == 200)
            #expect(answer.values("Content-Type") == ["application/json"])
            #expect(answer.body == resource.document.text)
        }
    }

    @Test("The scheme may be written in any case", arguments: ["bearer", "BEARER", "bEaReR"])
    func schemeInAnyCase(scheme: String) async throws {
        try await api.serve { address in
            let header = "Authorization: \(scheme) \(api.issuer.token())"
            let answer = try await Curl.get(address + "/identity", headers: [header])
            #expect(answer.status == 200)
            #expect(answer.body == "subject user-1")
        }
    }

    @Test("A route that needs scopes takes a token with all of them")
    func grantedScopes() async throws {
        try await api.serve { address in
            let token = api.issuer.token(scopes: ["orders:list", "orders:read"])
            let answer = try await Curl.get(address + "/orders", headers: bearer(token))
            #expect(answer.status == 200)
            #expect(answer.body == "subject user-1")
        }
    }

    @Test("A token with one scope too few is 403, and the challenge names all that are needed")
    func missingScope() async throws {
        try await api.serve { address in
            let token = api.issuer.token(scopes: ["orders:read"])
            let answer = try await Curl.get(address + "/orders", headers: bearer(token))
            #expect(answer.status == 403)
            #expect(
                answer.values("WWW-Authenticate") == [
                    #"Bearer realm="api", error="insufficient_scope", "#
                        + #"error_description="The access token does not grant what is required", "#
                        + #"scope="orders:read orders:list""#
                ]
            )
            #expect(answer.body == "")
            #expect(api.handledCount == 0)
        }
    }

    @Test("An optional route serves a request without a token as anonymous")
    func optionalWithoutToken() async throws {
        try await api.serve { address in
            let answer = try await Curl.get(address + "/greeting")
            #expect(answer.status == 200)
            #expect(answer.body == "anonymous")
        }
    }

    @Test("An optional route knows the subject of a good token")
    func optionalWithToken() async throws {
        try await api.serve { address in
            let answer = try await Curl.get(address + "/greeting", headers: bearer(api.issuer.token()))
            #expect(answer.status == 200)
            #expect(answer.body == "subject user-1")
        }
    }

    @Test("A bad token on an optional route is refused, never taken for anonymous")
    func optionalWithBadToken() async throws {
        try await api.serve { address in
            let answer = try await Curl.get(address + "/greeting", headers: bearer(api.issuer.token(with: .expired)))
            #expect(answer.status == 401)
            #expect(
                answer.values("WWW-Authenticate") == [
                    #"Bearer realm="api", error="invalid_token", error_description="The access token expired""#
                ]
            )
            #expect(answer.body == "")
            #expect(api.handledCount == 0)
        }
    }

    @Test("The token of one request is not that of the next on the same server")
    func nothingIsKept() async throws {
        try await api.serve { address in
            let token = api.issuer.token(changes: ["sub": "alice"])
            let known = try await Curl.get(address + "/greeting", headers: bearer(token))
            let unknown = try await Curl.get(address + "/greeting")
            let refused = try await Curl.get(address + "/identity")
            #expect(known.body == "subject alice")
            #expect(unknown.body == "anonymous")
            #expect(refused.status == 401)
            #expect(api.handledCount == 2)
        }
    }
}

private final class Subjects: Sendable {
    private let state = Mutex<[String?]>([])

    var all: [String?] { state.withLock { $0 } }

    func note(_ subject: String?) { state.withLock { $0.append(subject) } }
}

private struct NotingMiddleware: RouterMiddleware {
    let subjects: Subjects

    func handle(
        _ request: Request,
        context: BasicAccessTokenRequestContext,
        next: @concurrent (Request, BasicAccessTokenRequestContext) async throws -> Response
    ) async throws -> Response {
        subjects.note(context.accessToken?.subject)
        return try await next(request, context)
    }
}

private struct Customer: TokenIdentity {
    let number: Int64

    init?(_ token: AccessToken) {
        guard let number = token.claims["customer"]?.integerValue else { return nil }
        self.number = number
    }
}

private struct CustomerContext: IdentityRequestContext {
    var coreContext: CoreRequestContextStorage
    var accessToken: AccessToken?
    var identity: Customer?

    init(source: Source) { coreContext = .init(source: source) }
}
#endif
