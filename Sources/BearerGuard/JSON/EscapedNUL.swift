// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The escape `\u0000`, which is legal JSON and which jansson cannot hold in a member name.
///
/// A stand-in takes its place in the text, a scalar that occurs nowhere else in it, and is turned back after parsing;
/// so `exp\u0000` stays a name of its own and no text is ever cut at a NUL.
struct EscapedNUL {
    /// The text with stand-ins.
    let text: [UInt8]
    private let standIn: Unicode.Scalar

    /// Nil for a text without such an escape, which is nearly every one; throws where no scalar is left to stand in.
    init?(_ bytes: [UInt8]) throws(JSONError) {
        var text = bytes
        let escapes = Self.escapes(in: text)
        guard !escapes.isEmpty else { return nil }
        guard let standIn = Self.unusedScalar(in: text) else { throw .malformed }
        let digits = Array(String(standIn.value, radix: 16).utf8)
        for position in escapes { text.replaceSubrange(position..<(position + 4), with: digits) }
        self.text = text
        self.standIn = standIn
    }

    /// The text with the stand-in turned back.
    func restored(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { scalars.append(scalar == standIn ? "\0" : scalar) }
        return String(scalars)
    }

    /// Where the four zeros of each escape begin.
    private static func escapes(in text: [UInt8]) -> [Int] {
        var positions: [Int] = []
        var index = 0
        while index < text.count {
            guard text[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            // An escaped backslash starts no escape of its own: step over both.
            if text[index...].starts(with: "\\u0000".utf8) { positions.append(index + 2) }
            index += 2
        }
        return positions
    }

    /// A private-use scalar that occurs neither as itself nor as an escape.
    private static func unusedScalar(in text: [UInt8]) -> Unicode.Scalar? {
        var used: Set<UInt64> = []
        for index in text.indices.dropLast(2) {
            if (0xEE...0xEF).contains(text[index]) {
                let scalar = UInt64(text[index] & 0xF) << 12 | UInt64(text[index + 1] & 0x3F) << 6
                used.insert(scalar | UInt64(text[index + 2] & 0x3F))
            } else if text[index] == UInt8(ascii: "u"), index + 4 < text.count {
                let digits = String(decoding: text[(index + 1)...(index + 4)], as: UTF8.self)
                if let scalar = UInt32(digits, radix: 16) { used.insert(UInt64(scalar)) }
            }
        }
        return (UInt32(0xE000)...0xF8FF).first { !used.contains(UInt64($0)) }.flatMap(Unicode.Scalar.init)
    }
}
