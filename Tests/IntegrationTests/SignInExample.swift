// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
// begin
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Testing

@Suite("The API and its authorization server")
struct SignInTests {
    static var configuration: LocalAuthorizationServer.Configuration {
        var configuration = LocalAuthorizationServer.Configuration()
        configuration.audiences = ["https://orders.example"]
        configuration.scopes = ["orders:read", "orders:write"]
        configuration.accessTokens = .okta
        configuration.clients = [
            .init("app", authentication: .none, redirectURIs: ["http://localhost:3000/callback"]),
            .init("batch", authentication: .secret("s3cret"), grantTypes: [.clientCredentials]),
        ]
        configuration.users = [.init("alice", password: "wonderland")]
        return configuration
    }

    @Test("A user's token is accepted, through a rotation and through an outage of the keys")
    func userToken() async throws {
        let server = try await LocalAuthorizationServer.start(Self.configuration)
        let fetcher = try AsyncHTTPClientFetcher()
        let keys = try RemoteKeys(discovering: server.issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
        let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: server.policy(), keys: keys)])
        func ask() async throws -> Decision {
            let token = try server.signIn("alice", to: "app", scopes: ["orders:read"]).accessToken
            let credentials = RequestCredentials(authorization: "Bearer \(token)")
            return await requestGuard.authorize(credentials, requiring: .scopes("orders:read"))
        }
        #expect(try await ask().expectAuthorized().clientID == "app")
        try server.keys.rotate(.rs256)
        #expect(try await ask().expectAuthorized().keyID == "RS256-2")
        server.script(.keySet, .status(503))
        try await ask().expectAuthorized()
        #expect(server.count(of: .keySet) == 2)
        await fetcher.shutdown()
        await server.stop()
    }
}
// end
#endif
