// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A JWS in compact serialisation (RFC 7515 §7.1), cut at its two dots.
///
/// The only place where token bytes are split.
package struct CompactJWS: Sendable {
    /// Bytes of a whole token, and of its header segment.
    package static let tokenBytes = 16 * 1024
    package static let headerBytes = 4 * 1024

    package let header: [UInt8]
    package let payload: [UInt8]
    package let signature: [UInt8]
    /// What was signed: the two first segments as they were sent.
    package let signingInput: ArraySlice<UInt8>

    /// Cuts and decodes `token`; reads no JSON.
    package init(_ token: [UInt8], limit: Int = tokenBytes) throws(JWSFault) {
        try self.init(token[...], limit: limit)
    }

    package init(_ token: ArraySlice<UInt8>, limit: Int = tokenBytes) throws(JWSFault) {
        guard token.count <= limit else { throw .tooLarge }
        let dot = UInt8(ascii: ".")
        guard let first = token.position(of: dot),
            let second = token[(first + 1)...].position(of: dot)
        else { throw .malformed("not three segments") }
        guard token[(second + 1)...].position(of: dot) == nil else { throw .malformed("more than three segments") }
        guard first - token.startIndex <= Self.headerBytes else { throw .malformed("header is too long") }
        guard let header = Base64URL.decode(token[..<first]) else { throw .malformed("header is not base64url") }
        guard let payload = Base64URL.decode(token[(first + 1)..<second]) else {
            throw .malformed("payload is not base64url")
        }
        guard let signature = Base64URL.decode(token[(second + 1)...]) else {
            throw .malformed("signature is not base64url")
        }
        self.header = header
        self.payload = payload
        self.signature = signature
        self.signingInput = token[..<second]
    }

    /// Whether the signature is `verifier`'s.
    package func isSigned(by verifier: SignatureVerifier) -> Bool {
        unsafe signingInput.withUnsafeBytes { message in
            unsafe signature.withUnsafeBytes { unsafe verifier.isValid($0, for: message) }
        }
    }
}
