// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardGateway
import BearerGuardTesting
import Foundation
import Testing

@Suite("Tokens of the gateway's own")
struct InternalTokenTests {
    private let issuer: TestIssuer

    init() throws { issuer = try TestIssuer() }

    /// Of nobody; written for this test.
    private static let keyFile = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFQwRZflpLT1kmP9m
        eCNbymnEQe4LaVZQeiYm3AHKf92hRANCAARDKAGRE3Cbi1lTPn1rhW/IkdwBQuZs
        z7JoPAx9Zsi8JgJsxMbfqiqRKfWMF9kyC1B8vqyiJv3r2gnKOlGxhD0x
        -----END PRIVATE KEY-----

        """
    private static let keyOfAnotherCurve = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDCpqWxsaRxGwrfHS7jh
        slmPUVy0GLnYt3tUWSsOdzqXGw+tIwfMQJxLfmNgzbxeFT2hZANiAATTepyqLw0b
        erwvmxkZ4RZsuz8xSdlXq20v9L4Wfsq0q9hM0kHNWxGvAcOyAI90OpRAWXCO1gFO
        aoXMfUo7sEbAuHR/t9OWmnD5boiwfZrT15kuqJ+xApi1HH3D/nE1OHI=
        -----END PRIVATE KEY-----

        """

    @Test(
        "Upstreams verify by the service's key set whom the gateway let pass, and no longer than the token itself holds"
    )
    func verified() async throws {
        let state = try GatewayState(try document(), relativeTo: "", log: GatewayLog(level: .warning))
        let tokens = try #require(state.current.policy.internalTokens)
        let sent = issuer.token(scopes: ["read", "write"], changes: ["tenant": "t-7", "secret": "x"])
        let value = try #require(try await header(state.current.policy, sent))
        let upstream = try self.upstream(tokens.keySet)
        let token = try #require(await upstream.authorize(.init(authorization: "Bearer \(value)")).accessToken)
        #expect(token.subject == "user-1")
        #expect(token.scopes.values == ["read", "write"])
        #expect(token.claims["tenant"] == "t-7")
        #expect(token.claims["secret"] == nil)
        #expect(token.claims["original_iss"]?.stringValue == issuer.issuer)
        #expect(token.keyID == token.keyThumbprint)
        let issuedAt = try #require(token.claims.issuedAt)
        #expect(token.claims.expiration == issuedAt.advanced(by: 60))
        // Another one each time, and none for other services.
        #expect(try await header(state.current.policy, sent) != value)
        let other = try self.upstream(tokens.keySet, audience: "https://other.test")
        #expect(await other.authorize(.init(authorization: "Bearer \(value)")).refusal?.code == .wrongAudience)
        await state.close()
    }

    @Test("It ends with the token that it is made of")
    func end() async throws {
        let state = try GatewayState(try document(), relativeTo: "", log: GatewayLog(level: .warning))
        let tokens = try #require(state.current.policy.internalTokens)
        let original = try #require(
            await state.current.policy.requestGuard.authorize(.init(authorization: "Bearer \(issuer.token())"))
                .accessToken
        )
        let expiration = try #require(original.claims.expiration)
        let value = try #require(tokens.token(for: original, at: expiration.advanced(by: -5)))
        let payload = try #require(Base64URL.decode(value.split(separator: ".")[1].utf8))
        #expect(try JSONObject(tokenText: payload[...])["exp"] == .integer(expiration.seconds))
        await state.close()
    }

    @Test("A key from a file is the same after a restart; with another one the old one is published on")
    func keys() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("key.pem")
        try Data(Self.keyFile.utf8).write(to: file)
        let fromFile = try document(", keyFile: key.pem")
        func keyIDs(_ state: GatewayState) throws -> [String] {
            let text = try #require(state.current.policy.internalTokens?.keySet)
            let keys = try JSONDocument(Array(text.utf8), limits: .keySet).object()["keys"]?.arrayValue ?? []
            return keys.compactMap { $0.objectValue?["kid"]?.stringValue }
        }
        let log = GatewayLog(level: .warning)
        let first = try GatewayState(fromFile, relativeTo: folder.path, log: log)
        let second = try GatewayState(fromFile, relativeTo: folder.path, log: log)
        let known = try keyIDs(first)
        #expect(known.count == 1)
        #expect(try keyIDs(second) == known)
        // Without a file a key lives as long as the process.
        try await first.replace(by: try document())
        let generated = try keyIDs(first)
        #expect(generated.count == 2 && generated[1] == known[0])
        try await first.replace(by: try document())
        #expect(try keyIDs(first) == generated)
        for text in ["nonsense", Self.keyOfAnotherCurve] {
            try Data(text.utf8).write(to: file)
            await #expect(throws: ConfigurationError("gateway.internalToken.keyFile: no P-256 private key in PEM")) {
                try await second.replace(by: fromFile)
            }
        }
        #expect(try keyIDs(second) == known)
        await first.close()
        await second.close()
    }

    @Test("What cannot be signed for is told with its member")
    func faults() throws {
        let faults = #expect(throws: PolicyDocument.Faults.self) {
            try GatewayDocumentTests.read(
                GatewayDocumentTests.issuers + """
                    gateway:
                      rules: []
                      identity: {X-User: sub}
                      internalToken:
                        header: x-user
                        issuer: https://gateway.test
                        claims: [sub, iss]
                        lifetimeSeconds: 301
                    """
            )
        }
        #expect(
            faults?.faults.map { "\($0.line ?? 0) \($0.path)" } == [
                "9 gateway.internalToken.audience", "11 gateway.internalToken.claims",
                "12 gateway.internalToken.lifetimeSeconds", "9 gateway.internalToken.header",
            ]
        )
    }

    private func header(_ policy: GatewayPolicy, _ token: String) async throws -> String? {
        let request = OriginalRequest(method: "GET", target: try RequestTarget("/me"))
        let outcome = await policy.decide(request, RequestCredentials(authorization: "Bearer \(token)"))
        guard case .allowed(let fields) = outcome.answer else { return nil }
        return fields.first { $0.name == "X-Internal-Token" }?.value
    }

    private func upstream(_ keySet: String, audience: String = "https://services.test") throws -> RequestGuard {
        let policy = try ValidationPolicy(
            issuer: "https://gateway.test",
            audience: [audience],
            algorithms: [.es256],
            acceptedTokens: .types(["at+jwt"])
        )
        return try RequestGuard(issuers: [try TrustedIssuer(policy: policy, keys: try StaticKeys(JWKSet(keySet.utf8)))])
    }

    private func document(_ more: String = "") throws -> GatewayDocument {
        try GatewayDocumentTests.read(
            """
            issuers:
              - alias: main
                issuer: \(issuer.issuer)
                audience: \(issuer.audience)
                algorithms: [ES256]
                keys: {jwks: \(issuer.keySet)}
            gateway:
              rules: [{path: /me}]
              internalToken:
                {issuer: https://gateway.test, audience: https://services.test, claims: [sub, client_id, scope, tenant]\(more)}
            """
        )
    }
}
#endif
