// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Testing

@Suite("JSON: long strings")
struct JSONLongStringTests {
    /// What a string may have beside plain bytes, and what it must not have.
    private static let other: [(bytes: [UInt8], isGood: Bool)] = [
        ([], true), ([0x20], true), ([0x7F], true), (Array("é".utf8), true), (Array("€".utf8), true),
        (Array("😀".utf8), true), (Array(#"\""#.utf8), true), (Array(#"\\"#.utf8), true), (Array(#"\u00e9"#.utf8), true),
        ([0x00], false), ([0x09], false), ([0x0A], false), ([0x1F], false), ([0x80], false), ([0xC3], false),
        ([0xFF], false), ([0xA2], false), ([0xA3], false), ([0xDC], false), ([0xDD], false), ([0xDC, 0x80], true),
        (Array(#"\x"#.utf8), false), (Array(#"\"#.utf8), false), (Array(#"""#.utf8), false),
    ]

    @Test("Wherever a string has something else than plain bytes, it is read as jansson reads it")
    func everyPlace() {
        for (other, isGood) in Self.other {
            for count in 0..<150 {
                for rest in [0, 1, 19, 70] {
                    let string =
                        Array(repeating: UInt8(ascii: "x"), count: count) + other
                        + Array(repeating: UInt8(ascii: "y"), count: rest)
                    let text = Array(#"{"a":""#.utf8) + string + Array(#"","b":1}"#.utf8)
                    let difference = JSONReaderAgreementTests.difference(text)
                    #expect(difference == nil, "\(other) behind \(count), in front of \(rest)")
                    let isRead = (try? JSONMembers(text[...])) != nil
                    #expect(isRead == isGood, "\(other) behind \(count), in front of \(rest)")
                }
            }
        }
    }
}
