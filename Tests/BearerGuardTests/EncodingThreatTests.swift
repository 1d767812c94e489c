// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Rows E1 to E15 of the attack catalogue: encoding, JSON and resource limits.
@Suite("Threats: encoding, JSON and limits")
struct EncodingThreatTests {
    private let fixture: GuardFixture

    init() throws { fixture = try GuardFixture() }

    /// The reason for bytes that no `Authorization` header could carry.
    private func reason(_ token: String) throws -> RejectionCode? {
        let validator = TokenValidator(policy: try fixture.issuer.policy(), binding: .bearer)
        let keys = KeySnapshot(try JWKSet(fixture.issuer.keySet.utf8))
        let now = UnixTime(seconds: GuardFixture.now)
        return validator.judge(Array(token.utf8), keys: keys, at: now).findings.first?.code
    }

    @Test(
        "E1: padding and characters outside the alphabet are refused in every segment",
        arguments: ["=", "+", "/", " ", "\t", "\r\n", "?", "é", "\u{200B}"]
    )
    func foreignCharacters(_ character: String) throws {
        let parts = fixture.issuer.token().split(separator: ".").map(String.init)
        for index in 0..<3 {
            var changed = parts
            changed[index] += character
            #expect(try reason(changed.joined(separator: ".")) == .malformed)
            changed[index] = character + parts[index]
            #expect(try reason(changed.joined(separator: ".")) == .malformed)
        }
    }

    @Test("E2: unused bits that are not zero and impossible lengths are refused")
    func canonicalForm() {
        #expect(Base64URL.decode("Zg".utf8) == [0x66])
        #expect(Base64URL.decode("Zh".utf8) == nil)
        #expect(Base64URL.decode("Zm8".utf8) == [0x66, 0x6F])
        #expect(Base64URL.decode("Zm9".utf8) == nil)
        #expect(Base64URL.decode("Z".utf8) == nil)
        #expect(Base64URL.decode("ZmZmZ".utf8) == nil)
        #expect(Base64URL.decode("".utf8) == [])
        for byte in UInt8.min ... .max { #expect(Base64URL.decode(Base64URL.encode([byte]).utf8) == [byte]) }
    }

    @Test("E3: any number of segments but three, and empty ones, are refused")
    func segments() async {
        let token = fixture.issuer.token()
        let parts = token.split(separator: ".")
        let texts = [
            "\(parts[0])", "\(parts[0]).\(parts[1])", token + ".", token + ".x", "\(token).\(token)",
            String(repeating: ".", count: 10_000), ".\(parts[1]).\(parts[2])", "\(parts[0])..\(parts[2])", "..", ".",
        ]
        for text in texts { #expect(await fixture.outcome(text) == "malformed") }
        #expect(await fixture.outcome("\(parts[0]).\(parts[1]).") == "bad_signature")
        #expect(await fixture.outcome("\(parts[1]).\(parts[2]).") == "malformed")
    }

    @Test("E4: a token of 16 KiB is read, one byte more is too large")
    func size() async {
        let start = 11_000
        let missing = 16 * 1024 - fixture.issuer.token(changes: padding(start)).utf8.count
        var length = start + missing / 4 * 3 - 3
        while fixture.issuer.token(changes: padding(length + 1)).utf8.count <= 16 * 1024 { length += 1 }
        #expect(await fixture.outcome(fixture.issuer.token(changes: padding(length))) == "authorized")
        #expect(await fixture.outcome(fixture.issuer.token(changes: padding(length + 4))) == "too_large")
    }

    private func padding(_ length: Int) -> [String: JSONValue?] {
        let half = length / 2
        return [
            "jti": "fixed",
            "pad": [
                .string(String(repeating: "x", count: half)), .string(String(repeating: "x", count: length - half)),
            ],
        ]
    }

    @Test("E5: a member that occurs twice is refused in header and claims, escaped and nested")
    func duplicates() async throws {
        let twice = [#","exp":1"#, #","e\u0078p":1"#, #","nested":{"a":1,"a":2}"#, #","list":[{"b":1,"\u0062":1}]"#]
        for members in twice {
            let token = try fixture.signed(header: GuardFixture.header, payload: GuardFixture.payload(adding: members))
            #expect(await fixture.outcome(token) == "malformed")
        }
        let header = #"{"alg":"ES256","kid":"ES256-1","kid":"ES256-1"}"#
        #expect(
            await fixture.outcome(try fixture.signed(header: header, payload: GuardFixture.payload())) == "malformed"
        )
        let apart = GuardFixture.payload(adding: #","EXP":1,"Exp":2,"e\u0078p2":3,"a":{"exp":1}"#)
        #expect(await fixture.outcome(try fixture.signed(header: GuardFixture.header, payload: apart)) == "authorized")
    }

    @Test("E6: depth, entries, string length and odd spellings are bounded, at the limit and one beyond")
    func limits() async throws {
        func nested(_ depth: Int) -> String {
            #","d":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        let entries = { (count: Int) in #","l":["# + Array(repeating: "0", count: count).joined(separator: ",") + "]" }
        let string = { (length: Int) in #","s":""# + String(repeating: "x", count: length) + "\"" }
        let names = { (count: Int, name: (Int) -> String) in
            #","m":{"# + (0..<count).map { "\"\(name($0))\":1" }.joined(separator: ",") + "}"
        }
        let numbers = { (count: Int, number: String) in
            #","l":["# + Array(repeating: number, count: count).joined(separator: ",") + "]"
        }
        let digits = { (count: Int) in String(repeating: "7", count: count) }
        let cases: [(String, String)] = [
            (nested(31), "authorized"), (nested(32), "malformed"), (nested(5000), "malformed"),
            (entries(1024), "authorized"), (entries(1025), "malformed"),
            (names(500) { "n\($0)" } + entries(620), "authorized"),
            (names(500) { "n\($0)" } + entries(660), "malformed"),
            (string(8192), "authorized"), (string(8193), "malformed"),
            (names(1000) { "n\($0)" }, "authorized"), (names(1025) { "n\($0)" }, "malformed"),
            (names(64) { #"\n\#($0)"# }, "authorized"), (names(65) { #"\n\#($0)"# }, "malformed"),
            (names(64) { "\u{E9}\($0)" }, "authorized"), (names(65) { "\u{E9}\($0)" }, "malformed"),
            (numbers(64, "1e100"), "authorized"), (numbers(65, "1e100"), "malformed"),
            (numbers(64, digits(25)), "authorized"), (numbers(65, digits(25)), "malformed"),
            (numbers(129, digits(24)), "authorized"), (numbers(129, "-1.5e-07"), "authorized"),
        ]
        for (members, outcome) in cases {
            let token = try fixture.signed(header: GuardFixture.header, payload: GuardFixture.payload(adding: members))
            #expect(await fixture.outcome(token) == outcome)
        }
    }

    @Test("E7: text that is not UTF-8, a BOM, lone surrogates and NUL bytes are refused")
    func encodings() async throws {
        let good = Array(GuardFixture.payload(adding: #","x":"AB"}"#).dropLast().utf8)
        let position = try #require(good.lastIndex(of: UInt8(ascii: "B")))
        let bytes: [[UInt8]] = [
            [0xC0, 0xAF], [0xFF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80], [0x00], [0x0A],
        ]
        for replacement in bytes {
            var payload = good
            payload.replaceSubrange(position...position, with: replacement)
            #expect(
                await fixture.outcome(try fixture.signed(header: Array(GuardFixture.header.utf8), payload: payload))
                    == "malformed"
            )
        }
        for members in [#","x":"\ud800""#, #","x":"\udc00\ud800""#] {
            let payload = GuardFixture.payload(adding: members)
            #expect(
                await fixture.outcome(try fixture.signed(header: GuardFixture.header, payload: payload)) == "malformed"
            )
        }
        let marked = [0xEF, 0xBB, 0xBF] + Array(GuardFixture.payload().utf8)
        #expect(
            await fixture.outcome(try fixture.signed(header: Array(GuardFixture.header.utf8), payload: marked))
                == "malformed"
        )
        let trailing = Array(GuardFixture.payload().utf8) + [0]
        #expect(
            await fixture.outcome(try fixture.signed(header: Array(GuardFixture.header.utf8), payload: trailing))
                == "malformed"
        )
    }

    @Test("E7: an escaped NUL cuts neither a value nor a name")
    func escapedNUL() async throws {
        let value = GuardFixture.payload().replacing("https://api.test", with: #"https://api.test\u0000"#)
        #expect(
            await fixture.outcome(try fixture.signed(header: GuardFixture.header, payload: value)) == "wrong_audience"
        )
        let name = GuardFixture.payload(adding: #","exp\u0000":1,"a\\u0000":2,"\uf8ff\ue000":"\u0000""#)
        let token = try fixture.signed(header: GuardFixture.header, payload: name)
        let decision = await fixture.requestGuard.authorize(RequestCredentials(authorization: "Bearer \(token)"))
        let claims = try #require(decision.accessToken?.claims)
        #expect(claims["exp\u{0}"] == 1)
        #expect(claims[#"a\u0000"#] == 2)
        #expect(claims["\u{F8FF}\u{E000}"] == "\u{0}")
    }

    @Test(
        "E8: a header or payload that is not one JSON object is refused",
        arguments: ["[]", "\"x\"", "1", "null", "{}{}", "{} x", "{", "", " "]
    )
    func otherValues(_ text: String) async throws {
        #expect(await fixture.outcome(try fixture.signed(header: GuardFixture.header, payload: text)) == "malformed")
        let header = try fixture.signed(header: text, payload: GuardFixture.payload())
        #expect(await fixture.outcome(header) == "malformed")
    }

    @Test(
        "E9, E10: exp is a number in range, never a guess",
        arguments: [
            (#""123""#, "invalid_claim"), ("true", "invalid_claim"), ("null", "invalid_claim"), ("[]", "invalid_claim"),
            ("{}", "invalid_claim"), ("1.5", "expired"), ("-1", "expired"), ("0", "expired"), ("-0.0", "expired"),
            ("1e400", "invalid_claim"), ("1e308", "invalid_claim"), ("9223372036854775808", "invalid_claim"),
            ("9007199254740993", "invalid_claim"), ("9007199254740992", "authorized"),
            ("1" + String(repeating: "0", count: 50), "invalid_claim"), ("1800000000", "expired"),
            ("1800000000.5", "authorized"), ("1.8000000005e9", "authorized"), ("253402300799", "authorized"),
        ]
    )
    func expirations(_ exp: String, _ outcome: String) async throws {
        let payload = #"{"iss":"https://issuer.test","aud":"https://api.test","exp":\#(exp)}"#
        #expect(await fixture.outcome(try fixture.signed(header: GuardFixture.header, payload: payload)) == outcome)
    }

    @Test("E9: an integer beyond 64 bits in any other claim does no harm")
    func bigIntegers() async throws {
        let payload = GuardFixture.payload(adding: #","serial":123456789012345678901234567890"#)
        #expect(
            await fixture.outcome(try fixture.signed(header: GuardFixture.header, payload: payload)) == "authorized"
        )
    }

    @Test("E11: times saturate instead of overflowing")
    func saturation() {
        let last = UnixTime(seconds: .max)
        #expect(last.advanced(by: 300) == last)
        #expect(UnixTime(seconds: .min).advanced(by: -1) == UnixTime(seconds: .min))
        #expect(UnixTime(.number(-0.5)) == UnixTime(seconds: -1, nanoseconds: 500_000_000))
    }

    @Test(
        "E12: audiences and issuers are texts, not patterns",
        arguments: ["https://api.tes.", ".*", "https://api.test/", "HTTPS://api.test"]
    )
    func noPatterns(_ audience: String) async {
        #expect(await fixture.outcome(fixture.issuer.token(changes: ["aud": .string(audience)])) == "wrong_audience")
    }

    @Test("E13: numbers are read alike under a locale that writes a comma")
    func locale() throws {
        #if canImport(Glibc)
        let names: [String] = ["de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"]
        let found = names.first { name in unsafe setlocale(LC_NUMERIC, name) != nil }
        defer { unsafe setlocale(LC_NUMERIC, "C") }
        if found == nil { print("E13: no locale with a decimal comma is installed; checked under C alone") }
        #endif
        let object = try JSONDocument.object(Array(#"{"a":1.5,"b":-2.25e2}"#.utf8), limits: .token)
        #expect(object["a"] == 1.5)
        #expect(object["b"] == -225.0)
    }

    @Test("E14, E15: a hundred tasks read JSON at once, each from its own tree")
    func manyTasks() async {
        let text = Array(GuardFixture.payload(adding: #","list":[1,2,{"a":"b"}]"#).utf8)
        let right = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask { (try? JSONDocument.object(text, limits: .token))?["list"]?.arrayValue?.count == 3 }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(right == 100)
    }
}
