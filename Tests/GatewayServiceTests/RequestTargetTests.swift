// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuardGateway
import Testing

@Suite("Targets of original requests")
struct RequestTargetTests {
    private typealias Ambiguity = RequestTarget.Ambiguity

    @Test(
        "A path with one reading is read",
        arguments: [
            ("/", [""]), ("/orders", ["orders"]), ("/orders/", ["orders", ""]), ("/a/b.c/d~e", ["a", "b.c", "d~e"]),
            ("/a%20b/%C3%A9", ["a%20b", "%C3%A9"]), ("/...", ["..."]), ("/?a", [""]),
            ("/a?b?c", ["a"]), ("/" + String(repeating: "a", count: 8191), [String(repeating: "a", count: 8191)]),
            ("/@:!$&'()*+,=", ["@:!$&'()*+,="]),
        ]
    )
    func plain(_ text: String, _ segments: [String]) throws {
        #expect(try RequestTarget(text).segments == segments)
    }

    @Test(
        "H11: a path that servers read differently is refused, with the reason",
        arguments: [
            ("", Ambiguity.notAPath), ("orders", .notAPath), ("http://host/orders", .notAPath), ("*", .notAPath),
            ("?a", .notAPath), ("//orders", .emptySegment),
            ("//", .emptySegment), ("/orders//7", .emptySegment), ("/orders///", .emptySegment),
            ("/.", .dotSegment), ("/a/../b", .dotSegment), ("/a/..", .dotSegment), ("/./a", .dotSegment),
            ("/a;b", .parameter), ("/a/b;c=d/e", .parameter), ("/a%", .encoding), ("/a%2", .encoding),
            ("/a%zz", .encoding), ("/%2e%2e/a", .encodedCharacter), ("/%2E/a", .encodedCharacter),
            ("/a%2fb", .encodedCharacter), ("/a%5Cb", .encodedCharacter), ("/a%3bb", .encodedCharacter),
            ("/a%00", .encodedCharacter), ("/a%0d%0a", .encodedCharacter), ("/a%7f", .encodedCharacter),
            ("/a%25%32%66", .encodedCharacter), ("/%61", .encodedCharacter), ("/a%3Fb", .encodedCharacter),
            ("/a%23b", .encodedCharacter), ("/a b", .character), ("/a\tb", .character), ("/a\u{0}", .character),
            ("/a#b", .character), ("/\u{E9}", .character), ("/a\\b", .character), ("/a|b", .character),
            ("/a[b]", .character), ("/{a}", .character), ("/" + String(repeating: "a", count: 8192), .tooLong),
        ]
    )
    func ambiguous(_ text: String, _ reason: RequestTarget.Ambiguity) {
        #expect(throws: reason) { try RequestTarget(text) }
    }

    @Test("What stands in the query is no part of the path")
    func query() throws {
        let target = try RequestTarget("/orders?next=//x/../y;z%2f&access%5Ftoken=1")
        #expect(target.segments == ["orders"])
        #expect(target.hasParameter("access_token"))
        #expect(!target.hasParameter("token"))
        #expect(try !RequestTarget("/orders").hasParameter(""))
    }

    @Test(
        "A host is a name without its port, in small letters",
        arguments: [
            ("API.example", "api.example"), ("api.example:8080", "api.example"), ("api.example.", "api.example"),
            ("[::1]:80", "[::1]"), ("127.0.0.1", "127.0.0.1"),
        ]
    )
    func hosts(_ text: String, _ name: String) {
        #expect(RequestedHost(text)?.name == name)
    }

    @Test(
        "What is no host is none",
        arguments: ["", ":80", "a b", "a/b", "a@b", "a:b", "a:80:80", "a:123456", "[::1", "[x]", "a,b", "a\r\nb"]
    )
    func noHosts(_ text: String) {
        #expect(RequestedHost(text) == nil)
    }

    @Test("A range has its addresses and no other")
    func ranges() throws {
        let ten = try #require(AddressRange("10.1.0.0/15"))
        #expect(ten.contains("10.0.255.255") && ten.contains("10.1.0.1") && !ten.contains("10.2.0.0"))
        #expect(ten.contains("::ffff:10.1.2.3") && !ten.contains("::1") && !ten.contains("gone"))
        let one = try #require(AddressRange("::1"))
        #expect(one.contains("::1") && !one.contains("::2") && !one.contains("127.0.0.1"))
        #expect(try #require(AddressRange("0.0.0.0/0")).contains("192.0.2.1"))
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "localhost"] {
            #expect(AddressRange(text) == nil, "\(text)")
        }
    }
}
#endif
