// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Protected resource metadata")
struct ProtectedResourceTests {
    @Test(
        "The well-known name stands between host and path",
        arguments: [
            ("https://api.example", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example/", "https://api.example/.well-known/oauth-protected-resource"),
            ("https://api.example:8443/v1", "https://api.example:8443/.well-known/oauth-protected-resource/v1"),
        ]
    )
    func address(_ resource: String, _ url: String) throws {
        #expect(try ProtectedResource(resource: resource, authorizationServers: []).metadataURL == url)
    }

    @Test("The document has what was said and nothing else")
    func document() throws {
        let resource = try ProtectedResource(
            resource: "https://api.example",
            authorizationServers: ["https://idp.example/"],
            scopes: ["orders:read"],
            name: "Orders"
        )
        let expected: JSONValue = [
            "resource": "https://api.example", "authorization_servers": ["https://idp.example/"],
            "bearer_methods_supported": ["header"], "scopes_supported": ["orders:read"], "resource_name": "Orders",
        ]
        #expect(resource.document == expected)
    }

    @Test(
        "What is no identifier of a resource is refused",
        arguments: [
            "http://api.example", "api.example", "https://api.example/#a", "https://api.example/?a", "https://a\"b/",
        ]
    )
    func refused(_ resource: String) {
        #expect(throws: ConfigurationError.self) { try ProtectedResource(resource: resource, authorizationServers: []) }
    }

    @Test("H7: every challenge names the metadata, the bare one too")
    func challenges() async throws {
        let issuer = try TestIssuer()
        let keys = try StaticKeys(JWKSet(Array(issuer.keySet.utf8)))
        let requestGuard = try RequestGuard(
            issuers: [TrustedIssuer(policy: issuer.policy(), keys: keys)],
            protectedResource: ProtectedResource(resource: "https://api.example", authorizationServers: [issuer.issuer])
        )
        let metadata = #"resource_metadata="https://api.example/.well-known/oauth-protected-resource""#
        let bare = await requestGuard.authorize(RequestCredentials(authorization: nil))
        #expect(bare.refusal?.challenges.map(\.headerValue) == [#"Bearer realm="api", \#(metadata)"#])
        let expired = await requestGuard.authorize(
            RequestCredentials(authorization: "Bearer \(issuer.token(with: .expired))")
        )
        #expect(expired.refusal?.challenges.first?.headerValue.hasSuffix(", \(metadata)") == true)
    }
}
