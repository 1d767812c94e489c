// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation
import Testing

@testable import BearerGuardAudit

@Suite("Texts that an audit remembers")
struct RememberedTextTests {
    /// What an audit writes about the last of some captures.
    private func output(_ captures: [[UInt8]]) async throws -> [UInt8] {
        let output = try await audited(captures, workers: 1) { "capture \($0)" }
        let last = Array("{\"file\":\"capture \(captures.count - 1)\"".utf8)
        let lines = output.split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: last) }
        return Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }

    @Test("Between quotes a text reads as JSON has it, though the same bytes stood in a line without quotes before")
    func sameBytes() async throws {
        let start = "a text that is long enough to be kept "
        let texts =
            [#"\n"#, #"\\"#, #"\u0041"#, #"\x"#, #"\"#, "\t", "\u{1}", "\u{7F}", "\u{E9}", "plain"].map {
                Array((start + $0).utf8) + Array("end".utf8)
            } + [0xC3, 0xFF].map { Array(start.utf8) + [$0] }
        let other = Array("{\"token\":\"another\",\"id\":0}\n".utf8)
        let objects =
            other + other
            + texts.enumerated().flatMap { number, text in
                Array("{\"token\":\"".utf8) + text + Array("\",\"id\":\(number)}\n".utf8)
            } + other + other
        let plain = Array(texts.joined(separator: [UInt8(ascii: "\n")]))
        let expected = try await output([[], objects])
        #expect(try await output([plain, objects]) == expected)
        // By two lines the same texts are known as strings.
        #expect(try await output([objects, objects]) == expected)
        let verdicts = String(decoding: expected, as: UTF8.self).split(separator: "\n")
        #expect(verdicts.count == texts.count + 4)
        #expect(verdicts.count { $0.contains("\"note\":\"not valid JSON\"") } == 6)
        #expect(verdicts.count { $0.contains("\"reason\":\"malformed\"") } == texts.count - 2)
    }
}
