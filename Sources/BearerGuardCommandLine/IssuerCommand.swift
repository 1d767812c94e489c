// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import ArgumentParser
import BearerGuard
import BearerGuardGateway
import BearerGuardTesting

struct IssuerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issuer",
        abstract: "An OpenID Connect provider on loopback, for development and tests.",
        discussion: """
            Prints one line to paste into the configuration of an API in any language:

              ISSUER=http://127.0.0.1:9400 AUDIENCE=https://api.test JWKS_URI=http://127.0.0.1:9400/jwks

            Without a file there are a client `web` (secret `web-secret`), a public client `app` and a user `alice` (password
            `alice`); people can register themselves. Nothing is stored, and it listens at 127.0.0.1 alone.

            A file in YAML or JSON:

              audiences: [https://orders.example]
              scopes: [orders:read, orders:write]
              accessTokens: okta            # rfc9068, okta, auth0, entra, keycloak, cognito
              algorithms: [RS256]
              clients:
                - {id: web, secret: s3cret, redirectURIs: ["http://localhost:3000/callback"]}
                - {id: batch, secret: s3cret, grants: [client_credentials]}
              users:
                - {username: bob, password: builder, email: bob@example.test, roles: [admin]}

            Tests tell it what to do by POST of JSON: /admin/rotate-key {}, /admin/withdraw-key {"kid": "RS256-1"},
            /admin/cache-control {"value": "max-age=60"}, /admin/token {"scopes": ["read"]} or {"flaw": "expired"}, and
            /admin/script {"endpoint": "/jwks", "answers": [{"do": "status", "status": 503}, {"do": "hang"}]}.

            EXAMPLES
              bearerguard issuer
              bearerguard issuer --shape entra --audience api://orders
              bearerguard issuer --redirect-uri http://localhost:3000/callback
              bearerguard issuer --config issuer.yaml --port 9400
              curl -u web:web-secret -d grant_type=client_credentials http://127.0.0.1:9400/token

            EXIT STATUS
              0 ended by Ctrl-C or SIGTERM
              2 usage or input fault, or the port is taken
            """
    )

    @Option(help: ArgumentHelp("Clients, users and what tokens look like, in YAML or JSON.", valueName: "file"))
    var config: String?

    @Option(help: "Where to listen at 127.0.0.1; 0 for any port that is free.")
    var port = 9400

    @Option(help: ArgumentHelp("Whose access tokens to imitate: \(Self.shapes).", valueName: "shape"))
    var shape: String?

    @Option(help: ArgumentHelp("`aud` of access tokens.", valueName: "audience"))
    var audience: String?

    @Option(
        name: .customLong("redirect-uri"),
        help: ArgumentHelp("Where codes may be sent, to the letter; repeatable.", valueName: "uri")
    )
    var redirectURIs: [String] = []

    private static let shapes = AccessTokenShape.allCases.map(\.rawValue).joined(separator: ", ")

    func validate() throws {
        if let shape, AccessTokenShape(rawValue: shape) == nil {
            throw ValidationError("--shape must be one of \(Self.shapes)")
        }
        guard config == nil || redirectURIs.isEmpty else {
            throw ValidationError("--redirect-uri is for the clients that are there without a file")
        }
    }

    func run() async throws {
        let configuration = try settings()
        do {
            try await LocalIssuer.run(configuration, port: port) { server in
                Terminal.say("for development only: passwords and keys are in memory, in the clear")
                Terminal.say("listening at \(server.url(.home)); Ctrl-C ends it")
                try Terminal.print(Self.line(server, configuration))
            }
        } catch let error as ConfigurationError {
            throw CommandFailure(
                error.message,
                hints: error.message.contains("port") ? ["--port 0 takes a free one"] : []
            )
        }
    }

    private func settings() throws -> LocalAuthorizationServer.Configuration {
        var configuration = LocalIssuer.standardConfiguration(
            redirectURIs: redirectURIs.isEmpty
                ? ["http://localhost:3000/callback", "http://localhost:8080/callback"] : redirectURIs
        )
        if let config {
            do {
                let (value, line) = try PolicyFile.document(config)
                configuration = try LocalAuthorizationServer.Configuration(value, line: line)
            } catch {
                throw CommandFailure(error, in: config)
            }
        }
        if let shape = shape.flatMap(AccessTokenShape.init) { configuration.accessTokens = shape }
        if let audience { configuration.audiences = [audience] }
        return configuration
    }

    /// What to paste.
    private static func line(
        _ server: LocalAuthorizationServer,
        _ configuration: LocalAuthorizationServer.Configuration
    ) -> String {
        "ISSUER=\(server.issuer) AUDIENCE=\(configuration.audiences[0]) JWKS_URI=\(server.url(.keySet))"
    }
}
#endif
