// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The protected header of a JWS (RFC 7515 §4): what BearerGuard reads of it, and nothing else.
///
/// `jwk`, `jku`, `x5u`, `x5c` and `x5t` are never looked at: keys come from configuration alone (RFC 8725 §3.10).
package final class JOSEHeader: Sendable {
    /// Bytes of a key identifier.
    package static let keyIDBytes = 256

    /// The `typ` text as sent.
    package let type: String?
    /// The media type that it names.
    let mediaType: String?
    /// The `kid` text as sent.
    package let keyID: String?
    /// Every member, for inspection.
    package let members: JSONObject

    /// The algorithm, if it is one that exists here.
    package let algorithm: SignatureAlgorithm?
    /// The `alg` text as sent, known or not.
    package var algorithmName: String { members[.algorithm]?.stringValue ?? "" }

    /// Reads the decoded header segment.
    package init(_ bytes: [UInt8]) throws(JWSFault) {
        let members: JSONObject
        do {
            members = try JSONObject(tokenText: bytes[...])
        } catch {
            throw .malformed("header: \(error.detail)")
        }
        // A JWS that is not understood whole is not understood: no extension is supported (RFC 7515 §4.1.11), and a
        // JWT must not use b64 (RFC 7797 §7).
        if members.hasAny(of: Self.extensions) { throw .criticalHeader }
        if members.has(.encryption) { throw .malformed("header belongs to an encrypted token") }
        guard let algorithm = members[.algorithm] else { throw .algorithmMissing }
        guard let algorithmName = algorithm.stringValue else { throw .malformed("alg is not a string") }
        if let contentType = members[.contentType]?.stringValue, Self.isNested(contentType) {
            throw .malformed("a token inside a token")
        }
        self.algorithm = SignatureAlgorithm(rawValue: algorithmName)
        self.type = try Self.text(members, .type)
        self.mediaType = type.map(MediaType.normalized)
        self.keyID = try Self.text(members, .keyID)
        self.members = members
        if let keyID, keyID.utf8.count > Self.keyIDBytes { throw .malformed("kid is too long") }
    }

    private static let extensions = TokenMembers(.critical, .payloadEncoding)

    private static func text(_ members: JSONObject, _ member: TokenMember) throws(JWSFault) -> String? {
        guard let value = members[member] else { return nil }
        guard let text = value.stringValue else { throw .malformed("\(member.name) is not a string") }
        return text
    }

    private static func isNested(_ contentType: String) -> Bool {
        let type = MediaType.normalized(contentType)
        return type == "jwt" || type.hasSuffix("+jwt")
    }
}

/// Media types in `typ` and `cty` (RFC 7515 §4.1.9): case-insensitive, with `application/` left out or not.
package enum MediaType {
    /// The type in lower case without `application/`.
    ///
    /// Only ASCII letters are folded.
    package static func normalized(_ text: String) -> String {
        // As most are sent.
        if text == "at+jwt" { return text }
        if text == "JWT" { return "jwt" }
        let lower = String(
            decoding: text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self
        )
        let prefix = "application/"
        guard lower.utf8.starts(with: prefix.utf8) else { return lower }
        return String(decoding: lower.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }
}
