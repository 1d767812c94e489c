// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// The quick reader of tokens takes nothing that jansson does not take, with the same values.
///
/// 50 000 random changes in every run; more by `BEARERGUARD_MUTATIONS`. The seed is printed.
@Suite("Conformance: the two JSON readers")
struct JSONReaderAgreementTests {
    /// Texts of every shape that the quick reader has a rule for, beside the payloads and headers of the vectors.
    private static let own = [
        "{}", " { } ", #"{"a":1}"#, #"{"a":-0,"b":0,"c":123456789012345678}"#, #"{"a":"x\"y\\z\/\b\f\n\r\t"}"#,
        #"{"a":[],"b":[1,"x",null,true,false,{"c":{"d":[[]]}}]}"#, #"{"a":{"b":1,"c":2},"d":{"b":3}}"#,
        #"{ "exp" : 1 , "aud":["a","b"] }"#, "{\"a\"\t:\r\n1}", #"{"a":"\u0041"}"#, #"{"a":1.5e3,"b":1e400}"#,
        #"{"a":"é"}"#, #"{"é":1}"#, #"{"a":1,"a":2}"#, #"{"a":{"b":1,"b":2}}"#, "[1]", "\"x\"", "", "{", #"{"a":01}"#,
        #"{"a":-}"#, #"{"a":tru}"#, #"{"a":nulls}"#, #"{"a":1,}"#, #"{"a" 1}"#, #"{"a":1}x"#, "{\"a\":\"\u{1}\"}",
        #"{"a":"\x"}"#, #"{"a":[1,]}"#, #"{"a":[1 2]}"#, "{\"a\":\"\0\"}", #"{"":""}"#, "\u{FEFF}{}",
        #"{"a":12345678901234567890}"#, #"{"a":"\ud800"}"#, #"{"a":'b'}"#, "{\"a\":\"\u{7F}\"}",
    ]

    private static func isRight(_ text: [UInt8]) -> Bool {
        guard let index = JSONMemberIndex(text) else { return true }
        guard let object = try? JSONDocument.object(text, limits: .token) else { return false }
        let members = index.members
        guard members.count == object.count else { return false }
        return members.allSatisfy { member in
            object[member.name] == member.value && index.value(of: member.name) == member.value
                && "\(member.value)" == "\(object[member.name] ?? .null)"
        } && object.members.map(\.name) == members.map(\.name)
    }

    @Test("Every text of the vectors, and of random changes to them, is read alike or left to jansson")
    func agreement() throws {
        var corpus = Self.own.map { Array($0.utf8) }
        for file in VectorFolder.files {
            for vector in try VectorCase.read(file) {
                for segment in vector.tokenBytes.split(separator: UInt8(ascii: ".")).prefix(2) {
                    if let text = Base64URL.decode(segment), text.count < 4096 { corpus.append(text) }
                }
            }
        }
        for text in corpus { #expect(Self.isRight(text), "\(String(decoding: text, as: UTF8.self))") }
        let quick = corpus.count { JSONMemberIndex($0) != nil }
        let environment = ProcessInfo.processInfo.environment
        let count = environment["BEARERGUARD_MUTATIONS"].flatMap { Int($0) } ?? 50_000
        let seed = environment["BEARERGUARD_SEED"].flatMap { UInt64($0) } ?? .random(in: 1 ... .max)
        var generator = SeededGenerator(seed: seed)
        let pieces = Array(#"{}[]:,"\/ue-+.0159tfnab "#.utf8) + [0, 0x0A, 0x1F, 0x7F, 0x80, 0xC3, 0xA9, 0xFF]
        var taken = 0
        for _ in 0..<count {
            var text = corpus[Int.random(in: 0..<corpus.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0...text.count, using: &generator)
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &generator)]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0 where place < text.count: text[place] = piece
                case 1 where place < text.count: text.remove(at: place)
                case 2: text.insert(piece, at: place)
                default:
                    let other = corpus[Int.random(in: 0..<corpus.count, using: &generator)]
                    if let part = other.split(separator: UInt8(ascii: ",")).randomElement(using: &generator) {
                        text.insert(contentsOf: part, at: place)
                    }
                }
            }
            if JSONMemberIndex(text) != nil { taken += 1 }
            guard Self.isRight(text) else {
                Issue.record("seed \(seed): \(String(decoding: text, as: UTF8.self).debugDescription)")
                return
            }
        }
        print(
            "JSON readers: \(quick) of \(corpus.count) texts quick, \(count) changes, \(taken) quick, seed \(seed): no difference"
        )
        #expect(quick > 40)
        #expect(taken > count / 50)
    }
}
