// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// Commands with their output, errors and exit status.
@Suite("Command line")
struct TranscriptTests {
    private static let now: Int64 = 1_800_000_000
    private let issuer: TestIssuer
    private let folder: TemporaryFolder

    init() throws {
        issuer = try TestIssuer(clock: .fixed(UnixTime(seconds: Self.now)))
        folder = try TemporaryFolder()
        try folder.write(issuer.keySet, to: "keys.json")
        try folder.write(
            """
            # whom this API trusts
            issuers:
              - alias: main
                issuer: \(issuer.issuer)
                audience: \(issuer.audience)
                algorithms: [ES256]
                keys: {file: keys.json}
            """,
            to: "policy.yaml"
        )
    }

    private var keyFlags: [String] {
        [
            "--jwks", folder.path("keys.json"), "--issuer", issuer.issuer, "--audience", issuer.audience, "--at",
            "\(Self.now)",
        ]
    }

    @Test(
        "Help names every command with examples and the exit status",
        arguments: [
            [], ["--help"], ["audit", "--help"], ["inspect", "--help"], ["keys", "--help"],
            ["keys", "list", "--help"], ["keys", "record", "--help"],
        ]
    )
    func help(_ arguments: [String]) throws {
        let answer = try Program.run(arguments)
        #expect(answer.status == 0)
        #expect(answer.output.contains("EXAMPLES"))
        #expect(answer.output.contains("EXIT STATUS"))
        #expect(answer.errors == "")
    }

    @Test(
        "A wrong flag, file or value is one clear line and exit status 2",
        arguments: [
            (["audit", "--bogus"], "Unknown option '--bogus'"), (["nonsense"], "nonsense"),
            (["audit", "/nonexistent", "--jwks", "KEYS", "--at", "now"], "/nonexistent: No such file or directory"),
            (["audit", "--jwks", "/nonexistent"], "/nonexistent: No such file or directory"),
            (["audit"], "nothing to judge by: give --jwks or --policy"),
            (["audit", "--jwks", "KEYS", "--at", "yesterday"], "--at: 'yesterday' is no time"),
            (["audit", "--jwks", "KEYS", "--algorithms", "none"], "--algorithms: 'none' is not known"),
            (["audit", "--jwks", "KEYS", "--clock-skew", "301"], "--clock-skew must be 0 to 300 seconds"),
            (["audit", "--jwks", "KEYS", "--workers", "0"], "--workers must be 1 to 1024"),
            (["inspect", "KEYS"], "the argument is a file, not a token"),
            (["audit", "--jwks", "KEYS", "--policy", "POLICY"], "--policy says it all"),
            (["audit", "--jwks", "KEYS", "--format", "xml"], "xml"), (["inspect", ""], "there is no token to inspect"),
            (["keys", "/nonexistent"], "/nonexistent: No such file or directory"),
        ]
    )
    func usage(_ arguments: [String], _ message: String) throws {
        let arguments = arguments.map {
            $0.replacing("KEYS", with: folder.path("keys.json")).replacing("POLICY", with: folder.path("policy.yaml"))
        }
        let answer = try Program.run(arguments)
        #expect(answer.status == 2)
        #expect(answer.output == "")
        let first = try #require(answer.errors.split(separator: "\n").first)
        #expect(first.hasPrefix("bearerguard: "))
        #expect(first.contains(message))
    }

    @Test("A faulty policy names file, line and member of every fault", arguments: ["yaml", "json"])
    func faultyPolicy(_ format: String) throws {
        let yaml = "issuers:\n  - issuer: https://idp.test\n    algorithms: [none]\n    clockSkew: 999\n"
        let json =
            "{\"issuers\": [\n {\"issuer\": \"https://idp.test\",\n \"algorithms\": [\"none\"],\n \"clockSkew\": 999}]}\n"
        try folder.write(format == "yaml" ? yaml : json, to: "bad.\(format)")
        let answer = try Program.run(["audit", "--policy", folder.path("bad.\(format)"), "--at", "now"])
        #expect(answer.status == 2)
        let lines = answer.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == 2)
        #expect(
            lines.first
                == "bearerguard: \(folder.path("bad.\(format)")): line 2, issuers[0].audience: is required: what tokens for this API carry in 'aud'"
        )
        #expect(lines.last?.contains("line 3, issuers[0].algorithms[0]: 'none' would accept unsigned tokens") == true)
    }

    @Test("YAML that is broken is refused with its line")
    func brokenYAML() throws {
        try folder.write("issuers:\n  - issuer: [\n", to: "broken.yaml")
        let answer = try Program.run(["audit", "--policy", folder.path("broken.yaml")])
        #expect(answer.status == 2)
        #expect(answer.errors.contains("broken.yaml: line "))
    }

    @Test("audit writes a verdict for every token and ends with the status that fits")
    func audit() throws {
        let good = issuer.token()
        let answer = try Program.run(["audit", "--format", "ndjson"] + keyFlags, input: good + "\n")
        #expect(answer.status == 0)
        let prefix =
            #"{"line":1,"verdict":"valid","reason":null,"findings":[],"issuer":"https://issuer.test","kid":"ES256-1","alg":"ES256","fingerprint":""#
        #expect(answer.output.hasPrefix(prefix))
        #expect(answer.errors == "bearerguard: 1 token: 1 valid, 0 invalid, 0 undecided\n")
        let bad = try Program.run(["audit", "-"] + keyFlags, input: good + "\n" + issuer.token(with: .expired) + "\n")
        #expect(bad.status == 1)
        #expect(bad.output.hasPrefix("2 tokens: 1 valid, 1 invalid, 0 undecided\n"))
        #expect(bad.output.contains("        1 expired\n"))
    }

    @Test("audit by a policy in YAML, several files, and an output file")
    func auditByPolicy() throws {
        try folder.write(issuer.token() + "\n", to: "one.txt")
        try folder.write("{\"jwt\":\"\(issuer.token())\",\"when\":\(Self.now)}\n", to: "two.ndjson")
        let arguments = [
            "audit", folder.path("one.txt"), folder.path("two.ndjson"), "--policy", folder.path("policy.yaml"),
            "--at", "\(Self.now)", "--token-field", "jwt", "--format", "ndjson", "--output", folder.path("out"),
        ]
        let answer = try Program.run(arguments)
        #expect(answer.status == 0)
        #expect(answer.output == "")
        let lines = try String(contentsOfFile: folder.path("out"), encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains(#""verdict":"valid""#) && $0.contains(#""issuer":"main""#) })
        #expect(lines.first?.hasPrefix(#"{"file":"#) == true)
    }

    @Test("audit without a network says that keys are unavailable, with status 3")
    func auditOffline() throws {
        try folder.write("issuers: [{issuer: \"\(issuer.issuer)\", audience: a}]\n", to: "remote.yaml")
        let arguments = ["audit", "--policy", folder.path("remote.yaml"), "--at", "\(Self.now)", "--format", "ndjson"]
        let answer = try Program.run(arguments, input: issuer.token())
        #expect(answer.status == 3)
        #expect(answer.output.contains(#""verdict":"undecided","reason":"keys_unavailable""#))
    }

    @Test("A policy's requirement holds for captured tokens too")
    func auditRequirement() throws {
        let policy = try String(contentsOfFile: folder.path("policy.yaml"), encoding: .utf8)
        try folder.write(policy + "\nrequire: {scopes: [read]}\n", to: "strict.yaml")
        let arguments = ["audit", "--policy", folder.path("strict.yaml"), "--at", "\(Self.now)", "--format", "ndjson"]
        let input = issuer.token(scopes: ["read"]) + "\n" + issuer.token() + "\n"
        let answer = try Program.run(arguments, input: input)
        #expect(answer.status == 1)
        let lines = answer.output.split(separator: "\n")
        #expect(lines.first?.contains(#""verdict":"valid""#) == true)
        #expect(lines.last?.contains(#""reason":"insufficient_scope","findings":["insufficient_scope"]"#) == true)
    }

    @Test("A line without a token is an input fault that loses nothing else")
    func inputFault() throws {
        let answer = try Program.run(
            ["audit", "--format", "ndjson"] + keyFlags,
            input: "{\"x\":1}\n{\"token\":\"\(issuer.token())\"}\n"
        )
        #expect(answer.status == 2)
        #expect(answer.output.split(separator: "\n").count == 2)
    }

    @Test("inspect says loudly that nothing is verified without keys")
    func inspectWithoutKeys() throws {
        let answer = try Program.run(["inspect", "-", "--at", "\(Self.now)"], input: "Bearer \(issuer.token())\n")
        #expect(answer.status == 1)
        #expect(answer.output.hasPrefix("NOT VERIFIED: no keys were given"))
        #expect(answer.output.contains("skipped  signature"))
        #expect(answer.output.contains(#"iss        "https://issuer.test""#))
    }

    @Test("Tokens that are written down otherwise than a command expects are taken, or their form is named")
    func forms() throws {
        let token = issuer.token()
        #expect(try Program.run(["inspect", "Authorization: Bearer \(token)"] + keyFlags).status == 0)
        let lines = try Program.run(["inspect", "-"] + keyFlags, input: "\(token)\n\(token)\n")
        #expect(lines.status == 2)
        #expect(lines.errors.hasPrefix("bearerguard: these are several lines\n"))
        let object = try Program.run(["inspect", "-"] + keyFlags, input: " {\"token\":\"\(token)\"}\n")
        #expect(object.status == 2)
        #expect(object.errors.hasPrefix("bearerguard: this is a JSON object, not a token\n"))
        #expect(!object.errors.contains(token))
        let array = try Program.run(["audit", "-"] + keyFlags, input: " [{\"token\":\"\(token)\"}]\n")
        #expect(array.status == 2)
        #expect(array.errors.contains("a JSON array: write one object a line"))
    }

    @Test("inspect shows every check with its outcome and what to do")
    func inspect() throws {
        let good = try Program.run(["inspect", issuer.token()] + keyFlags)
        #expect(good.status == 0)
        #expect(good.output.contains("pass     signature"))
        #expect(good.output.hasSuffix(": valid\n"))
        let bad = try Program.run(["inspect", issuer.token(with: .expired)] + keyFlags)
        #expect(bad.status == 1)
        #expect(bad.output.contains("FAIL     expiration      expired: exp is past"))
        #expect(bad.output.contains("Get a new token"))
        let json = try Program.run(["inspect", "--json", issuer.token(with: .wrongAudience)] + keyFlags)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(object?["verdict"] as? String == "invalid")
        let failed = (object?["checks"] as? [[String: Any]])?.first { $0["outcome"] as? String == "fail" }
        #expect(failed?["reason"] as? String == "wrong_audience")
    }

    @Test("inspect neither prints the token nor lets it steer the terminal")
    func inspectHostile() throws {
        let token = issuer.token(changes: ["sub": "\u{1B}[31m\r\nforged line", "na\u{7}me": 1])
        let answer = try Program.run(["inspect", token] + keyFlags)
        #expect(!answer.output.contains(token.suffix(40)))
        #expect(!answer.output.contains("\u{1B}"))
        #expect(!answer.output.contains("\u{7}"))
        #expect(answer.output.contains(#"\u001b[31m\r\nforged line"#))
    }

    @Test("keys lists each key with its thumbprint and what is wrong with it")
    func keys() throws {
        let good = try Program.run(["keys", folder.path("keys.json")])
        #expect(good.status == 0)
        #expect(good.output.contains("kid ES256-1: EC P-256 256 bits"))
        #expect(good.output.contains("verifies    ES256"))
        let weak = try SigningKey(.rs256, keyID: "weak", bits: 1024)
        let set: JSONValue = ["keys": [weak.jwk, ["kty": "oct", "k": "c2VjcmV0LXZhbHVl", "kid": "shared"]]]
        let bad = try Program.run(["keys", "-"], input: set.text)
        #expect(bad.status == 1)
        #expect(bad.output.contains("RSA modulus under 2048 bits; a token that names it is refused with weak_key"))
        #expect(bad.output.contains("shared secret among public keys"))
        #expect(!bad.output.contains("c2VjcmV0LXZhbHVl"))
        let twins = try (1...2).map { _ in try SigningKey(.es256, keyID: "twin").jwk }
        let twice = try Program.run(["keys", "-"], input: JSONValue.object([("keys", .array(twins))]).text)
        #expect(twice.status == 1)
        #expect(twice.output.contains("another key has this kid; a token that names it is refused with ambiguous_key"))
        #expect(twice.output.hasSuffix("2 keys, 0 usable\n"))
        let many = try (0..<24).map { number in
            let isRSA = number % 3 == 0
            return try SigningKey(isRSA ? .rs256 : .es256, keyID: "key-\(number)", bits: isRSA ? 2048 : 256).jwk
        }
        let inOrder = try Program.run(["keys", "-"], input: JSONValue.object([("keys", .array(many))]).text)
        let names = inOrder.output.matches(of: /kid (key-[0-9]+):/).map { String($0.1) }
        #expect(names == (0..<24).map { "key-\($0)" })
        let json = try Program.run(["keys", "--json", folder.path("keys.json")])
        #expect(json.output.contains(#""usable":true,"algorithms":["ES256"]"#))
        let html = try Program.run(["keys", "-"], input: "<html>")
        #expect(html.status == 2)
        #expect(html.errors == "bearerguard: -: the key set is not valid JSON (line 1)\n")
        let pem = try Program.run(["keys", "-"], input: "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n")
        #expect(
            pem.errors == """
                bearerguard: -: the key set is PEM, not a JWK Set in JSON
                bearerguard: hint: a policy document takes a public key as PEM, by the member pem of keys

                """
        )
    }
}
#endif
