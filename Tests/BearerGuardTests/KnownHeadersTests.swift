// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Testing

@Suite("Known headers")
struct KnownHeadersTests {
    private static func header(_ keyID: String) -> [UInt8] {
        Array(Base64URL.encode(#"{"alg":"RS256","typ":"at+jwt","kid":"\#(keyID)"}"#.utf8).utf8)
    }

    @Test("Headers of keys whose names differ in the middle, or at the end, are all known at once")
    func similarNames() throws {
        let known = KnownHeaders()
        let names = (0..<3).flatMap { issuer in (0..<2).map { "i\(issuer)-rs256-\($0)" } }
        for name in names {
            let segment = Self.header(name)
            #expect(known.find(segment[...]) == nil)
            known.note(segment[...], try JOSEHeader(try #require(Base64URL.decode(segment))))
        }
        #expect(names.map { known.find(Self.header($0)[...])?.keyID } == names)
    }

    @Test("However many headers there were, the last one is known, and no other is taken for it")
    func manyHeaders() throws {
        let known = KnownHeaders()
        for number in 0..<1000 {
            let segment = Self.header("\(number)")
            known.note(segment[...], try JOSEHeader(try #require(Base64URL.decode(segment))))
            #expect(known.find(segment[...])?.keyID == "\(number)")
            #expect(known.find(segment.dropLast()) == nil)
        }
    }
}
