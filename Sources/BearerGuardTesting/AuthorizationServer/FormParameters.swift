// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
/// Parameters in `application/x-www-form-urlencoded` (RFC 6749 appendix B), of a query or a body.
package struct FormParameters: Sendable {
    private var values: [String: [String]] = [:]

    /// Reads a text; nil where an escape is broken, the text is not UTF-8, or has a control character or too many parts.
    package init?(_ text: some Collection<UInt8>) {
        let parts = text.split(separator: UInt8(ascii: "&"))
        guard parts.count <= Self.maximumCount else { return nil }
        for part in parts {
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = sides.first.flatMap({ PercentEncoding.decodeForm($0) }),
                let value = sides.count > 1 ? PercentEncoding.decodeForm(sides[1]) : ""
            else { return nil }
            // Sent without a value is as if not sent (RFC 6749 §3.1).
            if !value.isEmpty { values[name, default: []].append(value) }
        }
    }

    private static let maximumCount = 64

    /// The value of a parameter; nil where it is not there, or more than once.
    package subscript(name: String) -> String? {
        guard let all = values[name], all.count == 1 else { return nil }
        return all.first
    }

    /// Every name with its values, by name.
    var pairs: [(name: String, value: String)] {
        values.sorted { $0.key < $1.key }.flatMap { entry in entry.value.map { (entry.key, $0) } }
    }

    /// All values of a parameter that may be there more than once.
    package func all(_ name: String) -> [String] { values[name] ?? [] }

    /// Whether a parameter is there at all.
    func has(_ name: String) -> Bool { values[name] != nil }

    /// Whether a parameter is there more than once.
    func isRepeated(_ name: String) -> Bool { (values[name]?.count ?? 0) > 1 }

    /// Whether any parameter is there more than once that must not be (RFC 6749 §3.1, §3.2); RFC 8707 lets `resource`.
    var hasRepeated: Bool { values.contains { $0.key != "resource" && $0.value.count > 1 } }
}

/// Percent-encoding of forms and URLs (RFC 3986 §2.1).
package enum PercentEncoding {
    /// The text that a part of a form stands for; nil where an escape is broken, or for control characters and bad UTF-8.
    package static func decodeForm(_ part: some Sequence<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var iterator = part.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Whether a byte never needs an escape (RFC 3986 §2.3).
    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// A text as one part of a query or a form.
    package static func encode(_ text: String) -> String {
        var output = ""
        for byte in text.utf8 {
            if isUnreserved(byte) {
                output.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                output += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return output
    }

    /// Names and values as a query or a form, in their order.
    package static func form(_ parameters: [(name: String, value: String)]) -> String {
        parameters.map { "\(encode($0.name))=\(encode($0.value))" }.joined(separator: "&")
    }

    /// `url` with more parameters in its query.
    static func url(_ url: String, adding parameters: [(name: String, value: String)]) -> String {
        guard !parameters.isEmpty else { return url }
        return "\(url)\(url.contains("?") ? "&" : "?")\(form(parameters))"
    }
}
#endif
