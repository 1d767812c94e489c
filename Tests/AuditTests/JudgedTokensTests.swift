// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

@testable import BearerGuardAudit

@Suite("Tokens that were judged")
struct JudgedTokensTests {
    private static let time = UnixTime(seconds: 1_800_000_000)

    /// Different texts of different lengths.
    private static func token(_ number: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: UInt64(number + 1))
        let count = 600 + number % 37
        return (0..<count).map { _ in UInt8.random(in: 0x41...0x5A, using: &generator) }
    }

    private static func judged(_ number: Int) -> JudgedToken {
        JudgedToken(conclusion: number, fingerprint: TokenFingerprint.Key.report.fingerprint(of: token(number)[...]))
    }

    @Test("What came of a token is found by all of its bytes, however full the memory was in between")
    func boundedMemory() {
        // Room for a part of them.
        let memory = JudgedTokens(bytes: 64 * 16 * 1024)
        for number in 0..<5000 {
            let token = Self.token(number)
            #expect(memory.find(token, at: Self.time) == nil)
            memory.insert(token, Self.judged(number), during: UnixTime.always)
            #expect(memory.find(token, at: Self.time)?.conclusion == number)
        }
        var found = 0
        for number in 0..<5000 {
            guard let judged = memory.find(Self.token(number), at: Self.time) else { continue }
            found += 1
            #expect(judged.conclusion == number)
            #expect(judged.fingerprint == Self.judged(number).fingerprint)
        }
        #expect((200...1600).contains(found))
    }

    @Test("Of a batch's lines those are known whose tokens were judged, each with its own, whatever stands beside them")
    func linesOfABatch() throws {
        let memory = JudgedTokens(bytes: 64 * 1024 * 1024)
        for number in stride(from: 0, to: 600, by: 3) {
            memory.insert(Self.token(number), Self.judged(number), during: UnixTime.always)
        }
        let end = UnixTime(seconds: Self.time.seconds + 10)
        memory.insert(Self.token(1), Self.judged(1), during: Self.time..<end)
        memory.insert(Self.token(4), Self.judged(4), during: end..<UnixTime(seconds: end.seconds + 10))
        // In an order of its own, some twice; one that is too short to be known, and one that ends like a known one.
        let numbers = (0..<700).map { $0 * 7 % 601 }
        var tokens = numbers.map(Self.token)
        tokens += [Array("short".utf8), Self.token(0).dropFirst() + []]
        let file = try captureFile(tokens.joined(separator: [UInt8(ascii: "\n")]))
        defer { try? file.close() }
        var reader = CaptureReader(descriptor: file.fileDescriptor)
        var known: [JudgedToken?] = []
        while let batch = try reader.next(unless: { false }) {
            unsafe batch.withBytes { bytes in
                known += memory.find(unsafe CapturedLines(bytes, of: batch, .plainText, at: Self.time))
            }
        }
        let expected = numbers.map { $0 % 3 == 0 && $0 < 600 || $0 == 1 ? $0 : nil } + [nil, nil]
        #expect(known.map { $0?.conclusion } == expected)
    }

    @Test("Of tokens that share their length and their end the last one is remembered, and never taken for another")
    func sharedPlace() {
        let memory = JudgedTokens(bytes: 64 * 1024 * 1024)
        let end = Array("the same sixteen".utf8)
        let tokens = (0..<300).map { Array(String(1000 + $0).utf8) + end }
        for (number, token) in tokens.enumerated() {
            memory.insert(token, Self.judged(number), during: UnixTime.always)
            #expect(memory.find(token, at: Self.time)?.conclusion == number)
        }
        #expect(tokens.count { memory.find($0, at: Self.time) != nil } == 1)
    }

    @Test(
        "Of a token with a byte that a JSON string has otherwise nothing is kept",
        arguments: [UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x00, 0x09, 0x1F, 0x80, 0xC3, 0xFF]
    )
    func otherBytes(byte: UInt8) {
        let memory = JudgedTokens(bytes: 64 * 1024 * 1024)
        for place in [0, 7, 8, 40, 300, 599] {
            var token = Self.token(1)
            memory.insert(token, Self.judged(1), during: UnixTime.always)
            #expect(memory.find(token, at: Self.time)?.conclusion == 1)
            token[place] = byte
            memory.insert(token, Self.judged(2), during: UnixTime.always)
            #expect(memory.find(token, at: Self.time) == nil)
        }
    }

    @Test("Outside of its period nothing is known of a token, and a later word on it replaces the earlier one")
    func period() {
        let memory = JudgedTokens(bytes: 64 * 1024 * 1024)
        let token = Self.token(1)
        let end = UnixTime(seconds: Self.time.seconds + 10)
        memory.insert(token, Self.judged(1), during: Self.time..<end)
        #expect(memory.find(token, at: Self.time)?.conclusion == 1)
        #expect(memory.find(token, at: end) == nil)
        #expect(memory.find(token, at: UnixTime(seconds: Self.time.seconds - 1)) == nil)
        memory.insert(token, Self.judged(2), during: end..<UnixTime(seconds: end.seconds + 1))
        #expect(memory.find(token, at: end)?.conclusion == 2)
        #expect(memory.find(token, at: Self.time) == nil)
    }
}

extension JudgedTokens {
    fileprivate func find(_ token: [UInt8], at time: UnixTime) -> JudgedToken? {
        unsafe token.withUnsafeBufferPointer { unsafe find($0, at: time) }
    }

    fileprivate func insert(_ token: [UInt8], _ judged: JudgedToken, during period: Range<UnixTime>) {
        unsafe token.withUnsafeBufferPointer { unsafe insert($0, judged, during: period) }
    }
}
