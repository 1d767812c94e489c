// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Entra for many tenants, and Kubernetes service accounts.
@Suite("Tenants and service accounts")
struct TenantTests {
    private static let template = "https://login.microsoftonline.com/{tenantid}/v2.0"
    private static let tenant = "11111111-2222-3333-4444-555555555555"
    private static let other = "99999999-2222-3333-4444-555555555555"

    private func issuer(of tenant: String) -> String { "https://login.microsoftonline.com/\(tenant)/v2.0" }

    private func policy(_ tenants: AcceptedTenants?) throws(ConfigurationError) -> ValidationPolicy {
        try ValidationPolicy(
            issuer: Self.template,
            audience: ["api"],
            algorithms: [.es256],
            preset: .entraMultiTenant,
            tenants: tenants
        )
    }

    private func outcome(
        _ changes: [String: JSONValue?],
        tenants: AcceptedTenants = .listed([tenant]),
        keyIssuer: String? = nil
    ) async throws -> String {
        let signing = try TestIssuer(issuer: issuer(of: Self.tenant), audience: "api")
        let key = try #require(signing.signingKey()).jwk.setting(["issuer": keyIssuer.map { .string($0) }])
        let keys = try StaticKeys(JWKSet(JWKSet.text(key).utf8))
        let guarding = try RequestGuard(issuers: [try TrustedIssuer(policy: try policy(tenants), keys: keys)])
        let claims: [String: JSONValue?] = ["tid": .string(Self.tenant), "scp": "read", "scope": nil]
        return await guarding.outcome(signing.token(changes: claims.merging(changes) { $1 }))
    }

    @Test("J14: a tenant's token passes where iss, tid and the list agree")
    func good() async throws {
        #expect(try await outcome([:]) == "authorized")
        #expect(try await outcome([:], tenants: .any) == "authorized")
    }

    @Test("J14: iss, tid and the list are each held to the others")
    func mismatches() async throws {
        #expect(try await outcome(["tid": .string(Self.other)]) == "wrong_issuer")
        #expect(try await outcome(["tid": nil]) == "missing_claim")
        #expect(try await outcome(["tid": 7]) == "wrong_issuer")
        #expect(try await outcome([:], tenants: .listed([Self.other])) == "wrong_issuer")
        let elsewhere: [String: JSONValue?] = ["iss": .string(issuer(of: Self.other)), "tid": .string(Self.other)]
        #expect(try await outcome(elsewhere) == "wrong_issuer")
        #expect(try await outcome(elsewhere, tenants: .any) == "authorized")
    }

    @Test(
        "J14: what is no tenant identifier has no place in the template",
        arguments: [
            "common", "{tenantid}", "", "11111111-2222-3333-4444-55555555555g",
            "11111111-2222-3333-4444-555555555555/x",
            "11111111222233334444555555555555", "../11111111-2222-3333-4444-555555555555",
        ]
    )
    func shapes(_ tenant: String) async throws {
        let changes: [String: JSONValue?] = ["iss": .string(issuer(of: tenant)), "tid": .string(tenant)]
        #expect(try await outcome(changes, tenants: .any) == "wrong_issuer")
    }

    @Test("J14: a key that names an issuer is good for that issuer alone")
    func keyIssuer() async throws {
        #expect(try await outcome([:], keyIssuer: Self.template) == "authorized")
        #expect(try await outcome([:], keyIssuer: issuer(of: Self.tenant)) == "authorized")
        #expect(try await outcome([:], keyIssuer: issuer(of: Self.other)) == "wrong_issuer")
        let elsewhere: [String: JSONValue?] = ["iss": .string(issuer(of: Self.other)), "tid": .string(Self.other)]
        #expect(try await outcome(elsewhere, tenants: .any, keyIssuer: issuer(of: Self.tenant)) == "wrong_issuer")
    }

    @Test("The tenants must be said, and only where there are many")
    func configuration() throws {
        #expect(throws: ConfigurationError.self) { try policy(nil) }
        #expect(throws: ConfigurationError.self) { try policy(.listed([])) }
        for (issuer, preset) in [
            ("https://issuer.test", IssuerPreset.standard), (issuer(of: Self.tenant), .entraMultiTenant),
            ("https://x/{tenantid}/{tenantid}", .entraMultiTenant),
        ] {
            #expect(throws: ConfigurationError.self) {
                try ValidationPolicy(
                    issuer: issuer,
                    audience: ["api"],
                    algorithms: [.rs256],
                    preset: preset,
                    tenants: .any
                )
            }
        }
    }

    @Test("Metadata of all tenants are those of 'common', and must name the template itself")
    func discovery() async throws {
        let fetcher = ScriptedFetcher()
        let signing = try TestIssuer(issuer: Self.template)
        let metadataURL = "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
        fetcher.script(metadataURL, .json(signing.metadata(jwksURL: "https://login.microsoftonline.com/common/keys")))
        fetcher.script("https://login.microsoftonline.com/common/keys", .json(signing.keySet))
        let keys = try RemoteKeys(discovering: Self.template, fetcher: fetcher)
        try await keys.warmUp()
        #expect(fetcher.requests.map(\.url).first == metadataURL)
    }

    @Test("A service account's token passes; a token of the same key without the cluster's claim does not")
    func kubernetes() async throws {
        let cluster = try TestIssuer(issuer: "https://kubernetes.default.svc.cluster.local", audience: "api")
        let policy = try ValidationPolicy(
            issuer: cluster.issuer,
            audience: ["api"],
            algorithms: [.es256],
            preset: .kubernetes
        )
        let keys = try StaticKeys(JWKSet(cluster.keySet.utf8))
        let guarding = try RequestGuard(issuers: [try TrustedIssuer(policy: policy, keys: keys)])
        let account: [String: JSONValue?] = [
            "sub": "system:serviceaccount:shop:orders", "client_id": nil, "scope": nil,
            "kubernetes.io": ["namespace": "shop", "serviceaccount": ["name": "orders"]],
        ]
        #expect(await guarding.outcome(cluster.token(changes: account)) == "authorized")
        #expect(
            await guarding.outcome(cluster.token(changes: account.merging(["sub": "admin"]) { $1 })) == "wrong_type"
        )
        #expect(await guarding.outcome(cluster.token()) == "wrong_type")
        #expect(await guarding.outcome(cluster.token(changes: account.merging(["exp": nil]) { $1 })) == "missing_claim")
    }
}
