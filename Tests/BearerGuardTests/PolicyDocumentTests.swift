// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Policy documents")
struct PolicyDocumentTests {
    private static let good = """
        {
          "realm": "orders",
          "require": {"scopes": ["orders:read"]},
          "issuers": [
            {
              "alias": "main",
              "issuer": "https://idp.test/",
              "audience": "https://api.test",
              "algorithms": ["RS256", "ES256"],
              "tokenKind": "rfc9068",
              "clockSkew": 10,
              "requiredClaims": ["tenant"],
              "maximumAge": 3600,
              "roles": ["roles", ["realm_access", "roles"]],
              "claims": {"tenant": "a"},
              "keys": {"file": "keys.json"}
            },
            {"issuer": "https://other.test", "audience": ["a", "b"]}
          ]
        }
        """

    @Test("A good document becomes issuers with their policies")
    func goodDocument() throws {
        let document = try PolicyDocument(json: Array(Self.good.utf8))
        #expect(document.realm == "orders")
        #expect(document.issuers.map(\.alias) == ["main", "https://other.test"])
        #expect(document.issuers.map(\.keys) == [.file("keys.json"), .discovery])
        let policy = document.issuers[0].policy
        #expect(policy.algorithms == [.rs256, .es256])
        #expect(policy.acceptedTokens == .rfc9068)
        #expect(policy.clockSkew == 10)
        #expect(policy.maximumAge == 3600)
        #expect(policy.rolePaths == ["roles", ClaimPath("realm_access", "roles")])
        #expect(document.issuers[1].policy.algorithms == .recommended)
    }

    @Test("Tenants, addresses of metadata, and the files of a private CA and of a token are read")
    func clusterAndTenants() throws {
        let text = """
            {"issuers": [
              {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0", "audience": "api",
               "preset": "entra-multi-tenant", "tenants": ["11111111-2222-3333-4444-555555555555"]},
              {"issuer": "https://kubernetes.default.svc.cluster.local", "audience": "api", "preset": "kubernetes",
               "keys": {"jwksURL": "https://kubernetes.default.svc/openid/v1/jwks", "caFile": "ca.crt",
                        "tokenFile": "/var/run/token"}},
              {"issuer": "https://b2c.test/v2.0", "audience": "api",
               "keys": {"metadataURL": "https://b2c.test/v2.0/.well-known/openid-configuration?p=policy"}}
            ]}
            """
        let document = try PolicyDocument(json: Array(text.utf8))
        #expect(document.issuers.map(\.isFetched) == [true, true, true])
        #expect(document.issuers[1].trustRootsFile == "ca.crt")
        #expect(document.issuers[1].bearerTokenFile == "/var/run/token")
        #expect(
            document.issuers[2].keys
                == .metadataURL("https://b2c.test/v2.0/.well-known/openid-configuration?p=policy")
        )
        for issuer in document.issuers { _ = try issuer.remoteKeys(fetcher: ScriptedFetcher()) }
    }

    @Test(
        "Tenants and fetching that cannot be meant are faults",
        arguments: [
            (#""issuer":"https://x/{tenantid}/v2.0","preset":"entra-multi-tenant""#, "tenants is missing"),
            (#""issuer":"https://x/{tenantid}/v2.0","preset":"entra-multi-tenant","tenants":["Contoso"]"#, "UUID"),
            (#""issuer":"https://x/{tenantid}/v2.0","preset":"entra-multi-tenant","tenants":[]"#, "tenants"),
            (#""issuer":"https://x/","tenants":"any""#, "presets of many tenants"),
            (#""issuer":"https://x/","keys":{"file":"a","caFile":"b"}"#, "caFile and tokenFile are for keys"),
            (#""issuer":"https://x/","keys":{"metadataURL":"http://x/"}"#, "not https"),
            (#""issuer":"https://x/","keys":{"jwksURL":"https://169.254.169.254/"}"#, "cloud-metadata"),
            (#""issuer":"https://x/?p=a""#, "metadataURL"),
        ]
    )
    func impossible(_ members: String, _ reason: String) throws {
        let text = #"{"issuers":[{"audience":"api",\#(members)}]}"#
        let faults = try #require(throws: PolicyDocument.Faults.self) { try PolicyDocument(json: Array(text.utf8)) }
        #expect(faults.description.contains(reason), "\(faults)")
    }

    @Test("Every fault is reported at once, with its line and member")
    func allFaults() throws {
        let text = """
            {
              "colour": 1,
              "issuers": [
                {
                  "issuer": "https://idp.test/",
                  "audience": [],
                  "algorithms": ["none", "RS257"],
                  "clockSkew": "30",
                  "keys": {"file": "a", "jwksURL": "b"}
                },
                7,
                {"issuer": "https://b.test", "audience": "x", "preset": "nobody",
                 "tokenKind": "any"}
              ]
            }
            """
        let faults = try #require(throws: PolicyDocument.Faults.self) { try PolicyDocument(json: Array(text.utf8)) }
            .faults
        let places = faults.map { "\($0.line ?? 0) \($0.path)" }
        #expect(
            places == [
                "2 colour", "6 issuers[0].audience", "7 issuers[0].algorithms[0]", "7 issuers[0].algorithms[1]",
                "8 issuers[0].clockSkew", "9 issuers[0].keys", "11 issuers[1]", "12 issuers[2].preset",
                "13 issuers[2].tokenKind",
            ]
        )
    }

    @Test(
        "A setting that would be unsafe is refused with the reason",
        arguments: [
            (#""algorithms":["HS256","RS256"],"keys":{"file":"k"}"#, "mixes HMAC"),
            (#""algorithms":["none"]"#, "unsigned tokens"),
            (#""clockSkew":301"#, "0 to 300"),
            (#""keys":{"jwksURL":"http://idp.test/jwks"}"#, "not https"),
            (#""keys":{"jwksURL":"https://169.254.169.254/"}"#, "cloud-metadata"),
            (#""keys":{"secretFile":"s"}"#, "the one algorithm"),
            (#""keys":{}"#, "exactly one"), (#""keys":{"file":"a","kid":"k"}"#, "names its own"),
            (#""keys":{"pem":"x","kid":7},"algorithms":["ES256"]"#, "must be a text"),
            (#""allowLoopbackHTTP":"yes""#, "true or false"),
            (#""tokenKind":{"types":["x"],"y":1}"#, "must be 'accessToken'"),
        ]
    )
    func unsafeSettings(_ members: String, _ reason: String) throws {
        let text = #"{"issuers":[{"issuer":"https://idp.test","audience":"a",\#(members)}]}"#
        let faults = try #require(throws: PolicyDocument.Faults.self) { try PolicyDocument(json: Array(text.utf8)) }
            .faults
        #expect(faults.count == 1)
        #expect(faults.first?.message.contains(reason) == true)
    }

    @Test(
        "A document without issuers, or that is no object, says so",
        arguments: ["[]", "{}", #"{"issuers":[]}"#, "", "{", #"{"issuers":1}"#]
    )
    func emptyDocuments(_ text: String) {
        #expect(throws: PolicyDocument.Faults.self) { try PolicyDocument(json: Array(text.utf8)) }
    }

    @Test(
        "A requirement that cannot be read is a fault, never a weaker requirement",
        arguments: ["claims", "scopes", "roles", "role"]
    )
    func brokenRequirement(_ member: String) throws {
        let text = #"{"require":{"\#(member)":7},"issuers":[{"issuer":"https://idp.test","audience":"a"}]}"#
        let faults = try #require(throws: PolicyDocument.Faults.self) { try PolicyDocument(json: Array(text.utf8)) }
            .faults
        #expect(faults.map(\.path) == ["require.\(member)"])
    }

    @Test("An HMAC issuer whose keys would be fetched is refused when its keys are made")
    func fetchedSecret() throws {
        let text = #"{"issuers":[{"issuer":"https://idp.test","audience":"a","algorithms":["HS256"]}]}"#
        let document = try PolicyDocument(json: Array(text.utf8))
        #expect(throws: ConfigurationError.self) { try document.trustedIssuers(relativeTo: "", fetch: nil) }
    }

    @Test("A key file that is missing is named together with its issuer")
    func missingFile() throws {
        let document = try PolicyDocument(json: Array(Self.good.utf8))
        let error = try #require(throws: ConfigurationError.self) {
            try document.trustedIssuers(relativeTo: "/nonexistent", fetch: nil)
        }
        #expect(error.message == "issuer main: /nonexistent/keys.json: No such file or directory")
    }
}
