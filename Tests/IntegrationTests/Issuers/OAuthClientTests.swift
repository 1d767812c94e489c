// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Foundation
import Testing

/// The local authorization server before clients that nobody here wrote.
@Suite("OAuth clients of others")
struct OAuthClientTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("oauth_client.py").path

    @Test(
        "Authlib completes code with PKCE, refresh, client credentials by three ways, introspection and revocation; PyJWT and joserfc verify every token",
        arguments: [SignatureAlgorithm.rs256, .es256, .ps256, .edDSA]
    )
    func authlib(_ algorithm: SignatureAlgorithm) async throws {
        guard let python = await Python.with("authlib", "httpx", "jwt", "joserfc") else { return }
        let folder = try TemporaryFolder()
        let keyFile = folder.url.appendingPathComponent("key.json").path
        let keySet = try await Program.run(python, [Self.script, "key", keyFile])
        let server = try await LocalAuthorizationServer.start(Self.configuration(algorithm, keySet))
        let output = try await Program.run(python, ["-W", "ignore", Self.script, server.issuer, keyFile])
        let told = try #require(try JSONDocument(Array(output.utf8), limits: .document).value.objectValue)
        func claim(_ name: String, of tokens: String) -> JSONValue? { told[tokens]?.objectValue?[name] }
        #expect(claim("scope", of: "access_claims") == "openid profile email offline_access read")
        #expect(claim("nonce", of: "id_claims") == "n-1")
        #expect(claim("email", of: "id_claims") == "alice@example.test")
        #expect(told["userinfo"]?.objectValue?["sub"] == "user-alice")
        #expect(told["rotated"] == true)
        #expect(claim("active", of: "introspected") == true)
        #expect(claim("username", of: "introspected") == "alice")
        #expect(told["reused"] == "invalid_grant")
        #expect(claim("active", of: "after_reuse") == false)
        #expect(told["public_scope"] == "read")
        #expect(told["wrong_verifier"] == "invalid_grant")
        #expect(claim("sub", of: "credentials_claims") == "web")
        #expect(told["revoked"] == 200)
        #expect(claim("sub", of: "assertion_claims") == "batch")
        // And the guard, by discovery, takes the very token.
        let fetcher = try AsyncHTTPClientFetcher()
        let keys = try RemoteKeys(discovering: server.issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
        let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: server.policy(), keys: keys)])
        let token = try #require(told["access_token"]?.stringValue)
        let decision = await requestGuard.authorize(
            RequestCredentials(authorization: "Bearer \(token)"),
            requiring: .scopes("read")
        )
        #expect(decision.refusal == nil)
        #expect(decision.accessToken?.subject == "user-alice")
        await fetcher.shutdown()
        await server.stop()
    }

    private static func configuration(
        _ algorithm: SignatureAlgorithm,
        _ keySet: String
    ) throws -> LocalAuthorizationServer.Configuration {
        let callback = "http://127.0.0.1:9/callback"
        let text = """
            {"algorithms": ["\(algorithm.rawValue)"],
             "clients": [
               {"id": "web", "secret": "web-secret", "redirectURIs": "\(callback)",
                "grants": ["authorization_code", "refresh_token", "client_credentials"]},
               {"id": "app", "redirectURIs": ["\(callback)"], "consent": false},
               {"id": "batch", "grants": "client_credentials", "jwks": \(keySet)}],
             "users": [{"username": "alice", "password": "alice", "email": "alice@example.test"}]}
            """
        return try LocalAuthorizationServer.Configuration(json: Array(text.utf8))
    }
}
#endif
