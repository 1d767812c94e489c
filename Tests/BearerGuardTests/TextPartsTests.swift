// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Testing

@Suite("Parts of a text")
struct TextPartsTests {
    @Test(
        "A text is cut wherever the separator stands, from the left, and nowhere else",
        arguments: [
            ("a{t}b", "{t}", ["a", "b"]), ("{t}", "{t}", ["", ""]), ("{t}{t}a", "{t}", ["", "", "a"]),
            ("{t", "{t}", ["{t"]), ("", "{t}", [""]), ("aaa", "aa", ["", "a"]), ("a", "", ["a"]),
            ("a{{t}b", "{t}", ["a{", "b"]), ("é-ü", "-", ["é", "ü"]),
        ]
    )
    func parts(text: String, separator: String, parts: [String]) {
        #expect(text.parts(around: separator) == parts)
        #expect(text.holds(separator) == (parts.count > 1))
    }

    @Test("No more parts are made than asked for; the last one has the rest")
    func limit() {
        #expect("a/b/c".parts(around: "/", atMost: 2) == ["a", "b/c"])
        #expect("a/b/c".parts(around: "/", atMost: 1) == ["a/b/c"])
    }

    @Test("Texts are compared byte by byte: another spelling of a character is another text")
    func spelling() {
        #expect(!"caf\u{E9}".holds("e\u{301}"))
        #expect(!"\u{212A}ey".holds("K"))
        // A letter that carries an accent is there all the same, which a search for characters would miss.
        #expect("e\u{301}".holds("e"))
    }
}
