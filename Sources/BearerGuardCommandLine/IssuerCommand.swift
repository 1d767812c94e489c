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
            Prints one line for the configuration of an API in any language; put
            it before the command that starts the API, or after `export`:

              ISSUER=… AUDIENCE=… JWKS_URI=… TOKEN_ENDPOINT=…

            Without a file there are a client `web` (secret `web-secret`), a
            public client `app`, both with the redirect URIs
            http://localhost:3000/callback and http://localhost:8080/callback,
            the scopes `read` and `write`, and a user `alice` (password `alice`).
            People can register themselves. Nothing is stored, and it listens at
            127.0.0.1 alone. What tokens look like is imitated, not what
            providers accept beyond the standards.

            A file in YAML or JSON replaces all of this:

              audiences: [https://orders.example]
              scopes: [orders:read, orders:write]
              accessTokens: okta
              algorithms: [RS256]
              clients:
                - id: web
                  secret: s3cret
                  redirectURIs: ["http://localhost:3000/callback"]
                - {id: batch, secret: s3cret, grants: [client_credentials]}
              users:
                - {username: bob, password: builder, roles: [admin]}

            Further members: of the file tokenLifetime, codeLifetime,
            refreshTokenLifetime (seconds), allowsRegistration and
            keySetCacheControl; of a client name, jwks (for private_key_jwt),
            postLogoutRedirectURIs, scopes and consent (false to ask nobody); of
            a user subject, name and email.

            Tests tell it what to do by POST of JSON to paths under /admin at the
            root of the address: rotate-key, withdraw-key, cache-control, token,
            sign-in, script and count. The guide TestYourProtectedRoutes has a
            table; a wrong member is answered with those that are known.

            EXAMPLES
              bearerguard issuer
              bearerguard issuer --shape entra --audience api://orders
              bearerguard issuer --redirect-uri http://localhost:5173/callback
              bearerguard issuer --config issuer.yaml --port 0
              curl -u web:web-secret -d grant_type=client_credentials \\
                http://127.0.0.1:9400/token
              curl --json '{"user": "alice", "client": "app", "scopes": ["read"]}' \\
                http://127.0.0.1:9400/admin/sign-in
              curl --json '{"flaw": "expired"}' http://127.0.0.1:9400/admin/token

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
                Terminal.say("pages and endpoints: \(server.url(.home)); Ctrl-C ends it")
                if configuration.clients.isEmpty { Terminal.say("there is no client: nobody can get a token") }
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
        // Cognito's access tokens name no audience, but the client that they are for.
        let audience =
            configuration.accessTokens == .cognito
            ? "CLIENT_ID=\(configuration.clients.first?.clientID ?? "")"
            : "AUDIENCE=\(configuration.audiences.joined(separator: ","))"
        return
            "ISSUER=\(server.issuer) \(audience) JWKS_URI=\(server.url(.keySet)) TOKEN_ENDPOINT=\(server.url(.token))"
    }
}
#endif
