// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Foundation
import Hummingbird
import Logging

/// Does nothing: what a step before a route costs, whatever it does.
private struct EmptyMiddleware: RouterMiddleware {
    typealias Context = BasicAccessTokenRequestContext

    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response { try await next(request, context) }
}

/// One route without a guard, one behind a step that does nothing, one with the guard and remembered tokens, one where
/// every token is new to it; prints a token.
@main
enum Main {
    static func main() async throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8089
        let issuer = try TestIssuer(algorithms: [.rs256])
        let policy = try issuer.policy()
        let keys = try StaticKeys(JWKSet(issuer.keySet.utf8))
        let remembering = try RequestGuard(issuers: [TrustedIssuer(policy: policy, keys: keys)])
        let forgetful = try RequestGuard(issuers: [TrustedIssuer(policy: policy, keys: keys)], tokenCache: .off)
        let router = Router(context: BasicAccessTokenRequestContext.self)
        router.get("/open") { _, _ in "orders" }
        router.group().add(middleware: EmptyMiddleware()).get("/empty") { _, _ in "orders" }
        router.guarded(by: remembering, requiring: .scopes("orders:read")).get("/remembered") { _, _ in "orders" }
        router.guarded(by: forgetful, requiring: .scopes("orders:read")).get("/new") { _, _ in "orders" }
        try Data(issuer.token(scopes: ["orders:read"], lifetime: 86_400).utf8)
            .write(to: URL(fileURLWithPath: CommandLine.arguments.dropFirst(2).first ?? "/dev/stdout"))
        var logger = Logger(label: "server")
        logger.logLevel = .error
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            logger: logger
        )
        try await application.runService()
    }
}
