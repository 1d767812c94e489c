// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// `grants` looks at bytes, `scopes` makes texts: both say the same.
@Suite("Granted scopes")
struct ScopeGrantTests {
    private let fixture: GuardFixture

    init() throws { fixture = try GuardFixture() }

    @Test(
        "A scope is granted as a whole, however the token lists it",
        arguments: [
            ["scope": "read write"], ["scope": "  read   write "], ["scope": ["read", "write"]],
            ["scp": ["read", "write"]], ["scp": "read write"], ["scope": "read", "scp": ["write"]],
            ["scope": "", "scp": ["read", "write"]], ["scope": "re\u{61}d write", "x": 1.5],
            ["scope": [], "scp": "write read"],
        ] as [[String: JSONValue]]
    )
    func granted(_ lists: [String: JSONValue]) async throws {
        var changes: [String: JSONValue?] = ["scope": nil]
        for (name, value) in lists { changes[name] = value }
        let token = fixture.issuer.token(changes: changes)
        let credentials = RequestCredentials(authorization: "Bearer \(token)")
        let access = try #require(await fixture.requestGuard.authorize(credentials).accessToken)
        for scope in ["read", "write"] { #expect(access.grants(scope) && access.scopes.contains(scope)) }
        for scope in ["", " ", "rea", "read ", "readwrite", "Read", "read write", "\"read\"", ","] {
            #expect(!access.grants(scope) && !access.scopes.contains(scope), "\(scope)")
        }
        #expect(await fixture.outcome(token, requiring: .scopes("read", "write")) == "authorized")
        #expect(await fixture.outcome(token, requiring: .scopes("read", "admin")) == "insufficient_scope")
        #expect(await fixture.outcome(token, requiring: .anyScope("admin", "write")) == "authorized")
        #expect(await fixture.outcome(token, requiring: .anyScope([])) == "insufficient_scope")
    }
}
