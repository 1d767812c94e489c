// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
/// The target of a request in origin form (RFC 9112 §3.2.1), in the one spelling that every server reads alike.
///
/// Rules are about what the gateway forwards. Where a server behind it could read another path than the one judged,
/// nothing is judged: such a target is refused.
package struct RequestTarget: Sendable, Hashable {
    /// Why a target is refused.
    package enum Ambiguity: String, Error, Sendable, CaseIterable {
        case notAPath = "the target is no absolute path"
        case tooLong = "the target is longer than 8192 bytes"
        case character = "the target has a character that a URL has not"
        case parameter = "the path has a semicolon, behind which some servers see parameters"
        case emptySegment = "the path has an empty segment"
        case dotSegment = "the path has a dot segment"
        case encoding = "the path has a broken percent-encoding"
        case encodedCharacter = "the path encodes a character that some servers decode before they look at the path"
    }

    static let maximumBytes = 8192

    /// What stands between the slashes, as it was sent; an empty last one for a path that ends in a slash.
    package let segments: [String]
    /// What follows the question mark, if one is there.
    package let query: String?

    /// Reads a target.
    ///
    /// - Throws: why it cannot be judged.
    package init(_ text: String) throws(Ambiguity) {
        guard text.utf8.count <= Self.maximumBytes else { throw .tooLong }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .notAPath }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { throw .character }
        // ASCII from here on, so that bytes are characters.
        let end = text.utf8.firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
        query = end < text.endIndex ? String(text[text.utf8.index(after: end)...]) : nil
        let parts = text.utf8[..<end].dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.isEmpty, index < parts.count - 1 { throw .emptySegment }
            try Self.check(part)
        }
        segments = parts.map { String(Substring($0)) }
    }

    /// Whether the query has a parameter of this name, however it is spelled.
    package func hasParameter(_ name: String) -> Bool {
        guard let query else { return false }
        return query.split(separator: "&").contains { parameter in
            Self.decoded(parameter.prefix { $0 != "=" }) == Array(name.utf8)
        }
    }

    private static func check(_ segment: Substring.UTF8View) throws(Ambiguity) {
        if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { throw .dotSegment }
        var rest = segment
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: ";") { throw .parameter }
            guard byte == UInt8(ascii: "%") else {
                guard isPathCharacter(byte) else { throw .character }
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                throw .encoding
            }
            let encoded = high << 4 | low
            // A control character, or one that means something as it is: decoded twice or once, the path is another.
            if encoded < 0x20 || encoded == 0x7F || isUnreserved(encoded) || "%/\\;?#".utf8.contains(encoded) {
                throw .encodedCharacter
            }
        }
    }

    /// `pchar` without percent-encodings (RFC 3986 §3.3).
    private static func isPathCharacter(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || "!$&'()*+,=:@".utf8.contains(byte)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func decoded(_ text: Substring) -> [UInt8] {
        var output: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2).compactMap(digit)
            if byte == UInt8(ascii: "%"), digits.count == 2 {
                output.append(digits[0] << 4 | digits[1])
                rest = rest.dropFirst(2)
            } else {
                output.append(byte)
            }
        }
        return output
    }
}
#endif
