// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
/// The host that a request is for, in lower case and without its port (RFC 9110 §7.2).
package struct RequestedHost: Sendable, Hashable {
    package let name: String

    /// Reads the value of a `Host` field.
    ///
    /// - Returns: nil for a value that is no host; servers disagree on what it means.
    package init?(_ text: String) {
        let name: Substring
        let port: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            name = text[...end]
            port = text[text.index(after: end)...]
            guard name.dropFirst().dropLast().utf8.allSatisfy({ Self.isHexadecimal($0) || ":.".utf8.contains($0) })
            else {
                return nil
            }
        } else {
            name = text.prefix { $0 != ":" }
            port = text[name.endIndex...]
            guard name.utf8.allSatisfy({ Self.isNameCharacter($0) }) else { return nil }
        }
        let digits = port.dropFirst()
        guard !name.isEmpty, name.utf8.count <= 255, port.isEmpty || digits.utf8.count <= 5,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        // A name with the dot of the root is the same name.
        self.name = (name.hasSuffix(".") ? name.dropLast() : name).lowercased()
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte | 0x20 {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// Which hosts a rule is about: one, or all below one as `*.example.com`.
package struct HostPattern: Sendable, Hashable, CustomStringConvertible {
    private let name: String
    private let isWildcard: Bool
    /// The pattern as it is written.
    package let description: String

    /// Reads a pattern.
    ///
    /// - Returns: nil with a text that is neither a host nor `*.` before one.
    package init?(_ text: String) {
        isWildcard = text.hasPrefix("*.")
        guard let host = RequestedHost(isWildcard ? String(text.dropFirst(2)) : text),
            !text.hasSuffix("]") || !isWildcard
        else { return nil }
        name = host.name
        description = text
    }

    /// Whether a host is one of these.
    package func matches(_ host: RequestedHost) -> Bool {
        isWildcard ? host.name.hasSuffix("." + name) : host.name == name
    }

    /// Whether every host of `other` is one of these.
    func covers(_ other: HostPattern) -> Bool {
        guard isWildcard else { return !other.isWildcard && name == other.name }
        return other.name.hasSuffix("." + name) || other.isWildcard && other.name == name
    }

    /// Whether some host is one of both.
    func overlaps(_ other: HostPattern) -> Bool { covers(other) || other.covers(self) }
}
#endif
