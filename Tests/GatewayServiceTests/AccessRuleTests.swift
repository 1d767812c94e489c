// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardGateway
import Testing

@Suite("Access rules")
struct AccessRuleTests {
    @Test(
        "A pattern is about these paths",
        arguments: [
            ("/", "/", true), ("/", "/a", false), ("/orders", "/orders", true), ("/orders", "/orders/", false),
            ("/orders", "/Orders", false), ("/orders/", "/orders/", true), ("/orders/*", "/orders/7", true),
            ("/orders/*", "/orders/", false), ("/orders/*", "/orders", false), ("/orders/*", "/orders/7/8", false),
            ("/orders/*/items", "/orders/7/items", true), ("/orders/**", "/orders", true),
            ("/orders/**", "/orders/", true), ("/orders/**", "/orders/7/8", true), ("/orders/**", "/ordersx", false),
            ("/**", "/", true), ("/**", "/a/b", true), ("/a%20b", "/a%20b", true), ("/%C3%A9", "/%c3%a9", false),
        ]
    )
    func patterns(_ pattern: String, _ path: String, _ matches: Bool) throws {
        #expect(try #require(PathPattern(pattern)).matches(RequestTarget(path)) == matches)
    }

    @Test(
        "What no path could match is no pattern",
        arguments: ["", "orders", "/a/**/b", "/a*", "/**x", "/a//b", "/a/../b", "/a;b", "/a?b", "/a%2fb"]
    )
    func noPatterns(_ text: String) {
        #expect(PathPattern(text) == nil)
    }

    @Test("The first rule that is about a request holds, HEAD goes with GET, and where none is nobody passes")
    func order() throws {
        let rules = AccessRules([
            try rule(0, "/orders/public", ["GET"], .open),
            try rule(1, "/orders/**", ["GET", "POST"], .required(.scopes("orders"))),
            try rule(2, "/admin/**", nil, .required(.authenticated), host: "admin.test"),
            try rule(3, "/admin/**", nil, .denied),
        ])
        #expect(try place("GET", "/orders/public", in: rules) == "gateway.rules[0]")
        #expect(try place("HEAD", "/orders/public", in: rules) == "gateway.rules[0]")
        #expect(try place("POST", "/orders/public", in: rules) == "gateway.rules[1]")
        #expect(try place("DELETE", "/orders/7", in: rules) == nil)
        #expect(try place("get", "/orders/7", in: rules) == nil)
        #expect(try place("GET", "/admin/x", in: rules, host: "ADMIN.test:443") == "gateway.rules[2]")
        #expect(try place("GET", "/admin/x", in: rules, host: "other.test") == "gateway.rules[3]")
        #expect(try place("GET", "/admin/x", in: rules) == "gateway.rules[3]")
    }

    @Test("A wildcard host is about every host below it and not about itself")
    func wildcard() throws {
        let pattern = try #require(HostPattern("*.example.com"))
        for (name, matches) in [
            ("a.example.com", true), ("a.b.example.com", true), ("example.com", false), ("xexample.com", false),
            ("a.example.com.evil.test", false),
        ] {
            #expect(pattern.matches(try #require(RequestedHost(name))) == matches, "\(name)")
        }
    }

    @Test("The linter names rules that are never reached, weakened or risky, and nothing else")
    func linter() throws {
        let rules = AccessRules([
            try rule(0, "/orders/**", ["GET"], .required(.authenticated)),
            try rule(1, "/orders/7", ["GET"], .open),
            try rule(2, "/files/*", ["GET"], .open),
            try rule(3, "/files/**", ["GET"], .required(.authenticated)),
            try rule(4, "/hooks", nil, .open),
            try rule(5, "/**", ["GET"], .optional(.authenticated)),
        ])
        #expect(
            rules.warnings.map(\.description) == [
                "gateway.rules[1]: is never reached: gateway.rules[0] (/orders/**) comes first",
                "gateway.rules[3]: is weakened by gateway.rules[2], which lets some of its requests pass as public",
                "gateway.rules[4]: is public for methods that change things; name methods: [GET]",
                "gateway.rules[5]: is weakened by gateway.rules[2], which lets some of its requests pass as public",
                "gateway.rules[5]: is weakened by gateway.rules[4], which lets some of its requests pass as public",
                "gateway.rules[5]: lets every path pass without a token",
            ]
        )
        let clean = AccessRules([
            try rule(0, "/health", ["GET"], .open), try rule(1, "/orders/**", nil, .required(.authenticated)),
        ])
        #expect(clean.warnings.isEmpty)
    }

    private func rule(
        _ index: Int,
        _ path: String,
        _ methods: Set<String>?,
        _ access: AccessRule.Access,
        host: String? = nil
    ) throws -> AccessRule {
        AccessRule(
            place: "gateway.rules[\(index)]",
            host: host.flatMap { HostPattern($0) },
            path: try #require(PathPattern(path)),
            methods: methods,
            access: access
        )
    }

    private func place(
        _ method: String,
        _ path: String,
        in rules: AccessRules,
        host: String? = nil
    ) throws -> String? {
        let request = OriginalRequest(
            method: method,
            target: try RequestTarget(path),
            host: host.flatMap { RequestedHost($0) }
        )
        return rules.rule(for: request)?.place
    }
}
#endif
