// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Configurations of a local authorization server")
struct AuthorizationServerDocumentTests {
    typealias Configuration = LocalAuthorizationServer.Configuration

    @Test("Every member is read")
    func everyMember() throws {
        let text = """
            {"audiences": ["https://a", "https://b"], "scopes": ["one"], "accessTokens": "okta", "algorithms": "ES256",
             "tokenLifetime": 10, "codeLifetime": 20, "refreshTokenLifetime": 30, "allowsRegistration": false,
             "keySetCacheControl": "no-store",
             "clients": [{"id": "web", "name": "Web", "secret": "s", "redirectURIs": ["https://app/x"],
                          "postLogoutRedirectURIs": ["https://app/y"], "grants": ["refresh_token"],
                          "scopes": ["one"], "consent": false}],
             "users": [{"username": "u", "password": "p", "subject": "s", "name": "n", "email": "e", "roles": ["r"]}]}
            """
        let read = try Configuration(json: Array(text.utf8))
        #expect(read.audiences == ["https://a", "https://b"] && read.scopes == ["one"])
        #expect(read.accessTokens == .okta && read.algorithms == [.es256])
        #expect(read.tokenLifetime == 10 && read.codeLifetime == 20 && read.refreshTokenLifetime == 30)
        #expect(!read.allowsRegistration && read.keySetCacheControl == "no-store")
        let client = try #require(read.clients.first)
        #expect(client.clientID == "web" && client.name == "Web" && !client.needsConsent)
        #expect(client.redirectURIs == ["https://app/x"] && client.postLogoutRedirectURIs == ["https://app/y"])
        #expect(client.grantTypes == [.refreshToken] && client.scopes == ["one"])
        let user = try #require(read.users.first)
        #expect([user.username, user.password, user.subject, user.name, user.email] == ["u", "p", "s", "n", "e"])
        #expect(user.roles == ["r"])
    }

    @Test("All faults are told at once, each with its line and member")
    func faults() throws {
        let text = """
            {"audience": "https://a",
             "accessTokens": "odd", "algorithms": ["HS256"],
             "tokenLifetime": 0,
             "allowsRegistration": "no",
             "clients": [{"secret": "s", "grants": ["password"]}, 7,
                         {"id": "x", "secret": "s", "jwks": {"keys": 1}}],
             "users": [{"username": "", "password": "p"}]}
            """
        let faults = #expect(throws: PolicyDocument.Faults.self) { try Configuration(json: Array(text.utf8)) }
        #expect(
            faults?.faults.map { "\($0.line ?? 0) \($0.path)" } == [
                "1 audience", "5 clients[0].id", "5 clients[1]", "6 clients[2].jwks", "6 clients[2].jwks",
                "7 users[0].username", "2 accessTokens", "2 algorithms", "3 tokenLifetime", "4 allowsRegistration",
            ]
        )
    }

    private static let unusable: [(change: @Sendable (inout Configuration) -> Void, message: String)] = [
        ({ $0.audiences = [] }, "audiences is empty"), ({ $0.algorithms = [] }, "algorithms must be"),
        ({ $0.algorithms = [.hs256] }, "algorithms must be"), ({ $0.scopes = ["a b"] }, "is no scope"),
        ({ $0.codeLifetime = 0 }, "a lifetime"),
        ({ $0.clients = [.init("x", authentication: .none, redirectURIs: ["/relative"])] }, "client 'x'"),
        ({ $0.clients = [.init("x", authentication: .none, redirectURIs: ["https://a/#b"])] }, "client 'x'"),
        ({ $0.clients = [.init("x", authentication: .none, redirectURIs: ["javascript:x"])] }, "client 'x'"),
        ({ $0.clients = [.init("x", authentication: .none, redirectURIs: ["https://a/\r\nx"])] }, "client 'x'"),
        ({ $0.clients = [.init("x", authentication: .none, redirectURIs: ["localhost:3000/x"])] }, "no redirect URI"),
        ({ $0.clients = [.init("x", authentication: .none, redirectURIs: ["http://localhost/*"])] }, "no redirect URI"),
        ({ $0.clients = [.init("x", authentication: .none)] }, "has no redirect URI"),
        ({ $0.clients = [.init("x", authentication: .none, grantTypes: [.clientCredentials])] }, "a public client"),
        (
            { configuration in
                let client = LocalAuthorizationServer.Client("x", authentication: .none, redirectURIs: ["app:/x"])
                configuration.clients = [client, client]
            }, "occurs twice"
        ),
        ({ $0.users = [.init("u", password: "p"), .init("u", password: "q")] }, "occurs twice"),
    ]

    @Test("What no server could use is refused when it starts", arguments: unusable.indices)
    func refused(_ number: Int) {
        let (change, message) = Self.unusable[number]
        var configuration = Configuration()
        change(&configuration)
        let error = #expect(throws: ConfigurationError.self) {
            try AuthorizationServerEngine(configuration, origin: "http://127.0.0.1:1")
        }
        #expect(error?.message.contains(message) == true)
    }
}
#endif
