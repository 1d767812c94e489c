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

/// The same route four times: without a guard, behind a step that does nothing, with a guard that knows the token, and
/// with one that never saw any.
///
/// Each is in a router of its own, as neither the length of a path nor its place among others is to count. Arguments:
/// their four ports, and the file to write a token to.
@main
enum Main {
    private typealias Routes = Router<BasicAccessTokenRequestContext>

    static func main() async throws {
        let ports = CommandLine.arguments.dropFirst().prefix(4).compactMap { Int($0) }
        guard ports.count == 4, CommandLine.arguments.count == 6, let file = CommandLine.arguments.last else {
            throw UsageError()
        }
        let issuer = try TestIssuer(algorithms: [.rs256])
        let trusted = try TrustedIssuer(policy: issuer.policy(), keys: StaticKeys(JWKSet(issuer.keySet.utf8)))
        let remembering = try RequestGuard(issuers: [trusted])
        let forgetful = try RequestGuard(issuers: [trusted], tokenCache: .off)
        try Data(issuer.token(scopes: ["orders:read"], lifetime: 86_400).utf8).write(to: URL(fileURLWithPath: file))
        let routers = [
            routes { $0 },
            routes { $0.group().add(middleware: EmptyMiddleware()) },
            routes { $0.guarded(by: remembering, requiring: .scopes("orders:read")) },
            routes { $0.guarded(by: forgetful, requiring: .scopes("orders:read")) },
        ]
        var logger = Logger(label: "server")
        logger.logLevel = .error
        try await withThrowingTaskGroup { group in
            for (port, router) in zip(ports, routers) {
                let application = Application(
                    router: router,
                    configuration: .init(address: .hostname("127.0.0.1", port: port)),
                    logger: logger
                )
                group.addTask { try await application.run() }
            }
            try await group.waitForAll()
        }
    }

    private static func routes(_ place: (Routes) -> some RouterMethods<BasicAccessTokenRequestContext>) -> Routes {
        let router = Routes(context: BasicAccessTokenRequestContext.self)
        place(router).get("/orders") { _, _ in "orders" }
        return router
    }
}

private struct UsageError: Error, CustomStringConvertible {
    var description: String { "usage: BenchmarkServer PORT PORT PORT PORT FILE" }
}
