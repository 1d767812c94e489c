// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuardTesting
import Foundation
import Testing

@Suite("Files of an audit")
struct AuditFilesTests {
    private let folder = try? TemporaryFolder()
    private let issuer = try? TestIssuer()

    /// An audit in a folder with keys and a capture of one token.
    private func audit(_ arguments: (TemporaryFolder) -> [String]) throws -> (Program.Answer, capture: String) {
        let folder = try #require(folder)
        let issuer = try #require(issuer)
        try folder.write(issuer.keySet, to: "keys.json")
        try folder.write(issuer.token() + "\n", to: "capture.txt")
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
        let folder = try #require(folder)
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

    @Test("What an output file had before is gone", .enabled(if: Program.built != nil))
    func outputIsReplaced() throws {
        let folder = try #require(folder)
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
        let folder = try #require(folder)
        let issuer = try #require(issuer)
        let lines = (0..<3).map { _ in "{\"access_token\":\"\(issuer.token())\"}\n" }
        try folder.write(lines.joined(), to: "capture.ndjson")
        let (other, _) = try audit { [$0.path("capture.ndjson")] }
        #expect(other.status == 2)
        #expect(other.errors.contains("3 lines hold no token or no time"))
        #expect(other.errors.contains("--token-field"))
        let (found, _) = try audit { [$0.path("capture.ndjson"), "--token-field", "access_token"] }
        #expect(found.status == 0, "\(found.errors)")
        // One line of several is no reason to doubt the name.
        try folder.write("{}\n" + lines.joined(), to: "capture.ndjson")
        let (one, _) = try audit { [$0.path("capture.ndjson"), "--token-field", "access_token"] }
        #expect(one.status == 2)
        #expect(one.errors.contains("1 line holds no token or no time"))
        #expect(!one.errors.contains("--token-field"))
    }

    @Test("A directory is named, and a token in place of a file name is not shown", .enabled(if: Program.built != nil))
    func noFile() throws {
        let (answer, _) = try audit { [$0.url.path] }
        #expect(answer.status == 2)
        #expect(answer.errors.contains("is a directory"))
        let token = try #require(issuer).token()
        let (other, _) = try audit { _ in [token] }
        #expect(other.status == 2)
        #expect(other.errors.contains("a file name of \(token.utf8.count) bytes"))
        #expect(!other.errors.contains(token.prefix(40)))
    }

    @Test("A token that is mistyped as any argument is not shown", .enabled(if: Program.built != nil))
    func mistypedTokens() throws {
        let token = try #require(issuer).token()
        let short = "eyJhbGciOiJIUzI1NiJ9.e30.\(String(repeating: "A", count: 200))"
        #expect(try !Program.run(["audit", "--\(short)"]).errors.contains("AAAA"))
        for arguments in [
            [token], ["inspect", "Bearer", token], ["inspect", token, token], ["keys", token],
            ["inspect", token, "--jwks", token], ["audit", "--\(token)"], ["inspect", token, "--at", token],
            ["audit", "--jwks", "x", "--output", token],
        ] {
            let answer = try Program.run(arguments)
            #expect(answer.status == 2)
            #expect(answer.errors.hasPrefix("bearerguard: "))
            #expect(!answer.errors.contains(token.dropFirst(100).prefix(100)), "\(arguments.map(\.count))")
        }
    }
}
