// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation
import Testing

@testable import BearerGuardAudit

/// How a tar archive begins.
private func tarHeader(_ magic: String) -> [UInt8] { [0x61] + [UInt8](repeating: 0, count: 256) + Array(magic.utf8) }

@Suite("Captures that cannot be read as they are")
struct UnreadableCaptureTests {
    /// What an audit writes about captures, the second of which is named.
    private func output(_ captures: [[UInt8]]) async throws -> String {
        let output = try await audited(captures, workers: 2) { $0 > 0 ? "number \($0)" : nil }
        return String(decoding: output, as: UTF8.self)
    }

    @Test(
        "A capture that is compressed, or in UTF-16, is refused with the command that makes text of it",
        arguments: [
            ([0x1F, 0x8B, 0x08, 0x00], "gzip: read it by zcat"),
            ([0x28, 0xB5, 0x2F, 0xFD], "zstd: read it by zstdcat"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz: read it by xzcat"),
            (Array("BZh91AY&SY".utf8), "bzip2: read it by bzcat"),
            ([0x04, 0x22, 0x4D, 0x18], "lz4: read it by lz4cat"),
            (tarHeader("ustar\0"), "tar archive: read it by tar -xOf"),
            (tarHeader("ustar  \0"), "tar archive: read it by tar -xOf"),
            ([0x50, 0x4B, 0x03, 0x04], "ZIP archive: read it by unzip -p"),
            ([0xFF, 0xFE, 0x7B, 0x00], "iconv -f UTF-16 -t UTF-8"),
            ([0xFE, 0xFF, 0x00, 0x7B], "iconv -f UTF-16 -t UTF-8"),
        ] as [([UInt8], String)]
    )
    func conversions(start: [UInt8], command: String) async throws {
        let capture = start + [0x0A] + start
        let alone = try await #require(throws: CaptureError.self) { try await output([capture]) }
        #expect(alone.message.hasSuffix(command))
        let second = try await #require(throws: CaptureError.self) { try await output([Array("{}\n".utf8), capture]) }
        #expect(second.message == "number 1: \(alone.message)")
        // Bytes that only begin so stand in a line like any other.
        #expect(try await output([Array("x\n".utf8) + capture]).contains("\"reason\":\"malformed\""))
    }

    @Test(
        "What a capture has is told by the first line that can tell, and the others are judged as that",
        arguments: [
            ("# of gw-1\n{\"token\":\"a\"}\n", ["note", "malformed"]),
            // Cut off in front.
            ("kyI6\"x\",\"ts\":1}\n\n{\"token\":\"a\"}\n{\"token\":\"b\"}", ["note", "malformed", "malformed"]),
            ("\t\n \r\n{\"token\":\"a\"}\n\t\n{\"token\":\"b\"}\t \n", ["malformed", "malformed"]),
            ("a.b.c\n{\"token\":\"a\"}\n", ["malformed", "malformed"]),
            ("Bearer a.b.c\t\n# x\n", ["malformed", "malformed"]), ("\n \t\n", []), ("", []),
        ]
    )
    func beginnings(capture: String, findings: [String]) async throws {
        let lines = try await output([Array(capture.utf8)]).split(separator: "\n")
        #expect(lines.map { $0.contains("\"reason\":\"malformed\"") ? "malformed" : "note" } == findings)
        // A line of JSON that is taken for a token has no token of its own.
        #expect(lines.allSatisfy { $0.contains("\"note\":") != $0.contains("malformed") })
    }

    @Test("Where the token is in the member that names lines, verdicts name none and do not repeat it")
    func tokenAsIdentifier() async throws {
        let audit = Audit(
            policy: .withoutKeys(instant: .at(UnixTime(seconds: 0))),
            format: nil,
            fields: .ndjson(tokenField: "id", timeField: "ts"),
            workers: 1
        )
        let lines = ["canary-1", "canary-2", "canary\\u002d3"].map { "{\"id\":\"\($0)\",\"ts\":1}\n" }
        let file = try captureFile(lines.joined().utf8)
        defer { try? file.close() }
        var output: [UInt8] = []
        let inputs = [Audit.Input(descriptor: file.fileDescriptor, name: nil)]
        let summary = try await audit.run(inputs, verdicts: { bytes throws(CaptureError) in output += bytes })
        #expect(summary.total == 3 && summary.unreadable == 0)
        let text = String(decoding: output, as: UTF8.self)
        #expect(!text.contains("canary") && !text.contains("\"id\""))
    }

    @Test("A line that is not read says why, whatever its token is")
    func reasons() async throws {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        let long = String(repeating: "x", count: 2_000_000)
        let lines = [
            #"{"token":"a","src":1,"src":2}"#, #"{"token":"a","x":\#(deep)}"#, #"{"token":"a","n":1e400}"#,
            #"["a"]"#, #"{"token":"a""#, #"{"token":"\#(long)"}"#, #"{"token":7}"#,
        ]
        let verdicts = try await output([Array((#"{"token":"a"}"# + "\n" + lines.joined(separator: "\n")).utf8)])
        let notes = verdicts.split(separator: "\n").dropFirst().map { line in
            line.firstRange(of: "\"note\":\"").map { String(line[$0.upperBound...].dropLast(2)) }
        }
        #expect(
            notes == [
                "a JSON member name occurs twice", "JSON nested too deep", "a JSON number is out of range",
                "not a JSON object", "not valid JSON", "the line is longer than 1 MiB",
                "no member 'token' with a token",
            ]
        )
    }
}
