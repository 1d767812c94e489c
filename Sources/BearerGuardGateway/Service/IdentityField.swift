// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

/// A claim that upstreams get as a header field.
package struct IdentityField: Sendable, Hashable {
    /// More than this of one claim is no identity.
    static let maximumBytes = 4096
    /// Before a value that is encoded.
    static let mark = "b64:"

    /// The name of the field.
    package let name: String
    /// Where the claim is.
    package let claim: ClaimPath

    /// Binds a claim to a field.
    package init(name: String, claim: ClaimPath) {
        self.name = name
        self.claim = claim
    }

    /// A field's name as some server or other reads it: a hyphen may be an underscore.
    static func spellings(of name: String) -> [String] {
        // Each hyphen doubles their number: of a name with very many only the two that are likely.
        guard name.count(where: { $0 == "-" }) <= 6 else { return [name, String(name.map { $0 == "-" ? "_" : $0 })] }
        return name.reduce([""]) { spellings, character in
            character == "-" ? spellings.flatMap { [$0 + "-", $0 + "_"] } : spellings.map { $0 + String(character) }
        }
    }

    /// The value of the field for a token.
    ///
    /// Texts, numbers and truth values are sent as they are, arrays of texts with spaces between them. What could not be
    /// told apart then, or has anything but printable ASCII, is sent as `b64:` and the base64url of the text, or of the
    /// JSON of a structured claim.
    ///
    /// - Throws: when the value is too large to be sent.
    /// - Returns: nil where the token has no such claim.
    func value(of token: AccessToken) throws(IdentityTooLarge) -> String? {
        let claimed: JSONValue? =
            claim.names == ["scope"] ? Self.scopes(of: token) : token.claims[claim]
        guard let claimed else { return nil }
        let value: String
        switch claimed {
        case .null: return nil
        case .string(let text): value = Self.isPlain(text) ? text : Self.encoded(text)
        case .bool, .integer, .number: value = claimed.text
        case .array(let entries):
            let texts = entries.compactMap(\.stringValue)
            let isList = texts.count == entries.count && texts.allSatisfy { Self.isPlain($0) && !$0.contains(" ") }
            value = isList ? texts.joined(separator: " ") : Self.encoded(claimed.text)
        case .object: value = Self.encoded(claimed.text)
        }
        guard value.utf8.count <= Self.maximumBytes else { throw IdentityTooLarge() }
        return value
    }

    /// `scope` and `scp` alike.
    private static func scopes(of token: AccessToken) -> JSONValue? {
        let scopes = token.scopes.values
        return scopes.isEmpty ? nil : .string(scopes.joined(separator: " "))
    }

    /// Whether a text can stand in a field as it is, and be read as nothing else.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") }
            && first != 0x20 && last != 0x20 && !text.hasPrefix(mark)
    }

    private static func encoded(_ text: String) -> String { mark + Base64URL.encode(text.utf8) }
}

/// A claim is larger than a field may be.
struct IdentityTooLarge: Error {}
#endif
