// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
package import BearerGuardTesting
import UnixSignals

/// A local authorization server by itself, until it is told to end.
package enum LocalIssuer {
    /// Clients and a user for whoever has no file of their own.
    ///
    /// - Parameter redirectURIs: where codes may be sent.
    package static func standardConfiguration(redirectURIs: [String]) -> LocalAuthorizationServer.Configuration {
        var configuration = LocalAuthorizationServer.Configuration()
        var web = LocalAuthorizationServer.Client("web", authentication: .secret("web-secret"))
        web.redirectURIs = redirectURIs
        web.grantTypes.insert(.clientCredentials)
        var app = LocalAuthorizationServer.Client("app", authentication: .none)
        app.redirectURIs = redirectURIs
        configuration.clients = [web, app]
        configuration.users = [alice]
        return configuration
    }

    /// Whom the documents and the demo speak of.
    static var alice: LocalAuthorizationServer.User {
        var user = LocalAuthorizationServer.User("alice", password: "alice")
        user.name = "Alice Liddell"
        user.email = "alice@example.test"
        return user
    }

    /// Serves until SIGINT or SIGTERM.
    ///
    /// - Throws: ``ConfigurationError`` when the configuration cannot be used or the port is taken.
    package static func run(
        _ configuration: LocalAuthorizationServer.Configuration,
        port: Int,
        onStart: (LocalAuthorizationServer) throws -> Void
    ) async throws {
        // Before it listens: whoever reads the line may send the signal at once.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let server = try await LocalAuthorizationServer.start(configuration, port: port)
        do {
            try onStart(server)
        } catch {
            await server.stop()
            throw error
        }
        for await _ in signals { break }
        await server.stop()
    }
}
#endif
