// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A JWS in compact serialisation (RFC 7515 §7.1), cut at its two dots.
///
/// The only place where token bytes are split.
package struct CompactJWS: Sendable {
    /// Bytes of a whole token, and of its header segment.
    package static let tokenBytes = 16 * 1024
    package static let headerBytes = 4 * 1024

    /// The token as it was sent.
    package let bytes: ArraySlice<UInt8>
    private let firstDot: Int
    private let secondDot: Int
    /// The payload, then the signature.
    private let decoded: [UInt8]
    private let payloadCount: Int
    package var payload: ArraySlice<UInt8> { decoded[..<payloadCount] }
    package var signature: ArraySlice<UInt8> { decoded[payloadCount...] }

    /// The header as it was sent.
    package var headerSegment: ArraySlice<UInt8> { bytes[..<firstDot] }
    /// What was signed: the two first segments as they were sent.
    package var signingInput: ArraySlice<UInt8> { bytes[..<secondDot] }

    /// Cuts `token` and decodes all but its header; reads no JSON.
    package init(_ token: [UInt8], limit: Int = tokenBytes) throws(JWSFault) {
        try self.init(token[...], limit: limit)
    }

    package init(_ token: ArraySlice<UInt8>, limit: Int = tokenBytes) throws(JWSFault) {
        guard token.count <= limit else { throw .tooLarge }
        let dot = UInt8(ascii: ".")
        guard let first = token.position(of: dot), let second = token.position(of: dot, from: first + 1) else {
            throw .malformed("not three segments")
        }
        guard token.position(of: dot, from: second + 1) == nil else { throw .malformed("more than three segments") }
        guard first - token.startIndex <= Self.headerBytes else { throw .malformed("header is too long") }
        let (payload, signature) = (token[(first + 1)..<second], token[(second + 1)...])
        // Of an impossible length nothing is decoded.
        let payloadCount = Base64URL.decodedCount(payload.count) ?? 0
        let signatureCount = Base64URL.decodedCount(signature.count) ?? 0
        var fault: JWSFault?
        // An array that is made with room for bytes asks the runtime for its type each time; one that grows does not.
        var decoded: [UInt8] = []
        decoded.append(addingCapacity: payloadCount + signatureCount + 1) { output in
            if !Base64URL.decode(payload, into: &output) {
                fault = .malformed("payload is not base64url")
            } else if !Base64URL.decode(signature, into: &output) {
                fault = .malformed("signature is not base64url")
            }
        }
        if let fault { throw fault }
        self.bytes = token
        self.firstDot = first
        self.secondDot = second
        self.decoded = decoded
        self.payloadCount = payloadCount
    }

    /// The header's JSON.
    package func decodedHeader() throws(JWSFault) -> [UInt8] {
        guard let header = Base64URL.decode(headerSegment) else { throw .malformed("header is not base64url") }
        return header
    }
}

extension SignatureVerifier {
    /// Whether the signature of `jws` is the key's.
    func isSigner(of jws: CompactJWS) -> Bool {
        unsafe jws.signingInput.withUnsafeBytes { message in
            unsafe jws.signature.withUnsafeBytes { unsafe isValid($0, for: message) }
        }
    }
}
