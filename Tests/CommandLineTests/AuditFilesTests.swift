// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuardTesting
import Foundation
import Testing

@Suite("Files of an audit")
struct AuditFilesTests {
    private let folder: TemporaryFolder
    private let issuer: TestIssuer

    init() throws {
        folder = try TemporaryFolder()
        issuer = try TestIssuer()
        try folder.write(issuer.keySet, to: "keys.json")
        try folder.write(issuer.token() + "\n", to: "capture.txt")
    }

    /// An audit in a folder with keys and a capture of one token.
    private func audit(_ arguments: (TemporaryFolder) -> [String]) throws -> (Program.Answer, capture: String) {
        let answer = try Program.run(
            ["audit", "--jwks", folder.path("keys.json"), "--at", "now"] + arguments(folder)
        )
        return (answer, try String(contentsOf: folder.url.appendingPathComponent("capture.txt"), encoding: .utf8))
    }

    @Test(
        "An output that is an input, by any of its names, is refused, and the input kept",
        .enabled(if: Program.built != nil)
    )
    func outputIsInput() throws {
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link.txt"),
            withDestinationPath: folder.path("capture.txt")
        )
        for name in ["capture.txt", "link.txt"] {
            let (answer, capture) = try audit { [$0.path("capture.txt"), "--output", $0.path(name)] }
            #expect(answer.status == 2)
            #expect(answer.errors.contains("\(name): is read as well"))
            #expect(capture.hasPrefix("eyJ"))
        }
    }

    @Test(
        "An output that keys or the policy are read from is refused, and they are kept",
        .enabled(if: Program.built != nil)
    )
    func outputIsRead() throws {
        let (keys, _) = try audit { [$0.path("capture.txt"), "--output", $0.path("keys.json")] }
        #expect(keys.status == 2)
        #expect(keys.errors.contains("keys.json: is read as well"))
        let policy = """
            {"issuers": [{"issuer": "\(issuer.issuer)", "audience": "\(issuer.audience)", "algorithms": ["ES256"],
              "keys": {"file": "keys.json"}}]}
            """
        try folder.write(policy, to: "policy.json")
        for name in ["policy.json", "keys.json"] {
            let answer = try Program.run([
                "audit", folder.path("capture.txt"), "--policy", folder.path("policy.json"), "--at", "now", "--output",
                folder.path(name),
            ])
            #expect(answer.status == 2)
            #expect(answer.errors.contains("\(name): is read as well"))
        }
        #expect(try String(contentsOfFile: folder.path("policy.json"), encoding: .utf8) == policy)
        #expect(try String(contentsOfFile: folder.path("keys.json"), encoding: .utf8) == issuer.keySet)
    }

    @Test("What an output file had before is gone", .enabled(if: Program.built != nil))
    func outputIsReplaced() throws {
        try folder.write(String(repeating: "before\n", count: 1000), to: "verdicts")
        let (answer, _) = try audit {
            [$0.path("capture.txt"), "--format", "ndjson", "--output", $0.path("verdicts")]
        }
        #expect(answer.status == 0, "\(answer.errors)")
        let verdicts = try String(contentsOf: folder.url.appendingPathComponent("verdicts"), encoding: .utf8)
        #expect(verdicts.hasPrefix("{\"line\":1,"))
        #expect(verdicts.split(separator: "\n").count == 1)
    }

    @Test(
        "Where no line has the member that is looked at, the options that name it are told, and by them it is found",
        .enabled(if: Program.built != nil)
    )
    func otherMembers() throws {
        let lines = (0..<3).map { _ in "{\"access_token\":\"\(issuer.token())\"}\n" }
        try folder.write(lines.joined(), to: "capture.ndjson")
        let (other, _) = try audit { [$0.path("capture.ndjson")] }
        #expect(other.status == 2)
        #expect(other.errors.contains("3 lines hold no token or no time"))
        #expect(other.errors.contains("--token-field and --time-field"))
        let (found, _) = try audit { [$0.path("capture.ndjson"), "--token-field", "access_token"] }
        #expect(found.status == 0, "\(found.errors)")
        // One line of several is no reason to doubt the name.
        try folder.write("{}\n" + lines.joined(), to: "capture.ndjson")
        let (one, _) = try audit { [$0.path("capture.ndjson"), "--token-field", "access_token"] }
        #expect(one.status == 2)
        #expect(one.errors.contains("1 line holds no token or no time"))
        #expect(!one.errors.contains("--token-field"))
    }

    @Test("A folder is named, and a token in place of a file name is not shown", .enabled(if: Program.built != nil))
    func noFile() throws {
        let (answer, _) = try audit { [$0.url.path] }
        #expect(answer.status == 2)
        #expect(answer.errors.contains("is a folder"))
        let token = issuer.token()
        let (other, _) = try audit { _ in [token] }
        #expect(other.status == 2)
        #expect(other.errors.contains("a file name of \(token.utf8.count) bytes"))
        #expect(!other.errors.contains(token.prefix(40)))
    }

    @Test("Of several inputs the one that cannot be read is named", .enabled(if: Program.built != nil))
    func unreadable() throws {
        let memory = "/proc/self/mem"
        let (answer, _) = try audit { [$0.path("capture.txt"), memory] }
        #expect(answer.status == 2)
        #expect(answer.errors.contains("bearerguard: \(memory): Input/output error"))
    }

    @Test(
        "Progress keeps off a terminal that verdicts are written to",
        .enabled(if: Program.built != nil && FileManager.default.isExecutableFile(atPath: "/usr/bin/script"))
    )
    func verdictsOnTerminal() throws {
        let program = try #require(Program.built).path
        let command = "'\(program)' audit '\(folder.path("capture.txt"))' --jwks '\(folder.path("keys.json"))' --at now"
        func shown(_ format: String) throws -> String {
            let arguments = ["-qec", "\(command) --format \(format)", "/dev/null"]
            return try Program.run(arguments, program: URL(fileURLWithPath: "/usr/bin/script")).output
        }
        let verdicts = try shown("ndjson")
        #expect(verdicts.contains(#""verdict":"valid""#), "\(verdicts)")
        #expect(!verdicts.contains("\u{1B}"))
        #expect(try shown("text").contains("\u{1B}[K"))
    }

    @Test("A token that is mistyped as any argument is not shown", .enabled(if: Program.built != nil))
    func mistypedTokens() throws {
        let token = issuer.token()
        let short = "eyJhbGciOiJIUzI1NiJ9.e30.\(String(repeating: "A", count: 200))"
        #expect(try !Program.run(["audit", "--\(short)"]).errors.contains("AAAA"))
        for arguments in [
            [token], ["inspect", "Bearer", token], ["inspect", token, token], ["keys", token],
            ["inspect", token, "--jwks", token], ["audit", "--\(token)"], ["inspect", token, "--at", token],
            ["audit", "--jwks", "x", "--output", token], ["audit", "--at", token],
            ["audit", "--jwks", "x", "--algorithms", token],
        ] {
            let answer = try Program.run(arguments)
            #expect(answer.status == 2)
            #expect(answer.errors.hasPrefix("bearerguard: "))
            for start in [0, 60, 100] {
                #expect(!answer.errors.contains(token.dropFirst(start).prefix(30)), "\(arguments.map(\.count))")
            }
        }
    }

    @Test("A key that is given in place of a file's name is not shown", .enabled(if: Program.built != nil))
    func mistypedKeys() throws {
        let keys = folder.path("keys.json")
        let canary = "c2VjcmV0LWNhbmFyeQ"
        for key in [
            "{\"kty\":\"oct\",\"k\":\"\(canary)\"}", "{\n  \"keys\": [{\"kty\":\"EC\"},{\"d\":\"\(canary)\"}]\n}",
            "{\"d\":\"\(canary)\"", "-----BEGIN PRIVATE KEY-----\n\(canary)\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\n\(canary)",
        ] {
            for arguments in [
                ["keys", key], ["audit", key, "--jwks", keys], ["inspect", "a", "--jwks", key],
                ["audit", "--policy", key],
            ] {
                let answer = try Program.run(arguments)
                #expect(answer.status == 2)
                #expect(answer.errors.contains(" bytes)"), "\(answer.errors)")
                #expect(!answer.errors.contains(canary), "\(arguments)")
            }
        }
    }

    @Test("What a terminal would obey is taken out of messages", .enabled(if: Program.built != nil))
    func controlCharacters() throws {
        let (answer, _) = try audit { _ in ["no\u{1B}[31m\u{7F}\rname"] }
        #expect(answer.status == 2)
        #expect(answer.errors.contains("no?[31m??name: No such file"))
    }

    @Test(
        "Where standard input is closed an audit of it fails, and reads no other file",
        .enabled(if: Program.built != nil)
    )
    func closedInput() throws {
        let script = "exec \"$0\" audit --jwks \"$1\" --at now <&-"
        let answer = try Program.run(
            ["-c", script, try #require(Program.built).path, folder.path("keys.json")],
            program: URL(fileURLWithPath: "/bin/sh")
        )
        #expect(answer.status == 2)
        #expect(answer.errors.contains("Bad file descriptor"), "\(answer.errors)")
        #expect(answer.output.isEmpty)
    }

    @Test("A byte order mark in front of keys, a policy or a token changes nothing", .enabled(if: Program.built != nil))
    func byteOrderMarks() throws {
        try folder.write("\u{FEFF}" + issuer.keySet, to: "marked.json")
        let (answer, _) = try audit { [$0.path("capture.txt"), "--jwks", $0.path("marked.json")] }
        #expect(answer.status == 0, "\(answer.errors)")
        let token = try Program.run(
            ["inspect", "-", "--jwks", folder.path("marked.json")],
            input: "\u{FEFF}\(issuer.token())\n"
        )
        #expect(token.status == 0, "\(token.output)")
    }

    @Test(
        "An option that names nothing is refused, and an audit of nothing says so",
        .enabled(if: Program.built != nil)
    )
    func nothing() throws {
        for option in ["issuer", "audience", "typ", "algorithms"] {
            let (answer, _) = try audit { [$0.path("capture.txt"), "--\(option)", ""] }
            #expect(answer.status == 2)
            #expect(answer.errors.contains("--\(option): "), "\(answer.errors)")
        }
        try folder.write("\n \n", to: "empty.txt")
        let (answer, _) = try audit { [$0.path("empty.txt")] }
        #expect(answer.status == 0)
        #expect(answer.errors.contains("nothing was judged"))
    }
}
