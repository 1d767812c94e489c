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
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes[0] == UInt8(ascii: "/") else { throw .notAPath }
        var end = bytes.count
        for index in bytes.indices {
            let byte = bytes[index]
            guard (0x21...0x7E).contains(byte), byte != UInt8(ascii: "#") else { throw .character }
            if byte == UInt8(ascii: "?") { end = min(end, index) }
        }
        func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        query = end < bytes.count ? part(end + 1..<bytes.count) : nil
        var segments: [String] = []
        var start = 1
        for index in start...end where index == end || bytes[index] == UInt8(ascii: "/") {
            if index == start, index < end { throw .emptySegment }
            try Self.check(bytes.span.extracting(start..<index))
            segments.append(part(start..<index))
            start = index + 1
        }
        self.segments = segments
    }

    /// Whether the query has a parameter of this name, however it is spelled.
    package func hasParameter(_ name: String) -> Bool {
        guard let query else { return false }
        return query.split(separator: "&").contains { parameter in
            Self.decoded(parameter.prefix { $0 != "=" }) == Array(name.utf8)
        }
    }

    private static func check(_ segment: Span<UInt8>) throws(Ambiguity) {
        let dot = UInt8(ascii: ".")
        if segment.count <= 2, segment.count > 0, segment[0] == dot, segment[segment.count - 1] == dot {
            throw .dotSegment
        }
        var index = 0
        while index < segment.count {
            let byte = segment[index]
            index += 1
            if byte == UInt8(ascii: ";") { throw .parameter }
            guard byte == UInt8(ascii: "%") else {
                guard isPathCharacter(byte) else { throw .character }
                continue
            }
            guard index + 2 <= segment.count, let high = digit(segment[index]), let low = digit(segment[index + 1])
            else { throw .encoding }
            index += 2
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
