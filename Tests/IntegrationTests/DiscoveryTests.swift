// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Testing

@Suite("Keys by discovery from a real issuer")
struct DiscoveryTests {
    private func makeGuard(_ issuer: TestIssuer, _ fetcher: AsyncHTTPClientFetcher) throws -> RequestGuard {
        let keys = try RemoteKeys(discovering: issuer.issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
        return try RequestGuard(issuers: [try TrustedIssuer(policy: try issuer.policy(), keys: keys)])
    }

    private func bearer(_ token: String) -> RequestCredentials { RequestCredentials(authorization: "Bearer \(token)") }

    @Test("The first token fetches metadata and keys, and no later one fetches anything")
    func tokensAreAccepted() async throws {
        let server = DiscoveryServer(.openID)
        try await server.serve { issuer in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let requestGuard = try makeGuard(issuer, fetcher)
                for _ in 1...3 {
                    let decision = await requestGuard.authorize(bearer(issuer.token()))
                    #expect(decision.accessToken?.subject == "user-1")
                    #expect(decision.accessToken?.usesStaleKeys == false)
                }
                let forged = await requestGuard.authorize(bearer(issuer.token(with: .forgedKey)))
                #expect(forged.refusal?.code == .badSignature)
            }
        }
        #expect(server.seen.paths == ["/.well-known/openid-configuration", "/jwks"])
    }

    @Test("An issuer that publishes by RFC 8414 alone is found at its second place")
    func secondPlace() async throws {
        let server = DiscoveryServer(.oauth)
        try await server.serve { issuer in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let decision = await (try makeGuard(issuer, fetcher)).authorize(bearer(issuer.token()))
                #expect(decision.accessToken?.subject == "user-1")
            }
        }
        #expect(server.seen.paths == ["/.well-known/oauth-authorization-server", "/jwks"])
    }

    @Test("Metadata that name the issuer with one slash more are not believed, and the keys are not asked for")
    func otherIssuerInMetadata() async throws {
        let server = DiscoveryServer(.openID)
        try await server.serve(namedInMetadata: { $0 + "/" }) { issuer in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let decision = await (try makeGuard(issuer, fetcher)).authorize(bearer(issuer.token()))
                let refusal = try #require(decision.refusal)
                #expect(refusal.code == .keysUnavailable)
                #expect(refusal.httpStatus == 503)
                #expect(refusal.challenges == [])
            }
        }
        #expect(server.seen.paths == ["/.well-known/openid-configuration"])
    }

    @Test("Plain HTTP is refused before any request unless the option allows it on loopback")
    func plainHTTPIsAnOption() async throws {
        let server = DiscoveryServer(.openID)
        try await server.serve { issuer in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let message = "issuer is a URL that is not https (http is possible to loopback alone, by an option)"
                #expect(throws: ConfigurationError(message)) {
                    try RemoteKeys(discovering: issuer.issuer, fetcher: fetcher)
                }
            }
        }
        #expect(server.seen.paths == [])
    }
}
#endif
