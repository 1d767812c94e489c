// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8) with one key whose exponent is 65537.
///
/// It accepts what ``DigestedSignature`` accepts with the same key, in less time.
final class RSASignature: Sendable {
    private let digest: Digest
    private let encoding: EncodedMessage
    private let operation: RSAPublicOperation
    private let scratches: ContextPool<RSAPublicOperation.Scratch>

    /// Prepares a key; nil for a modulus too short for the digest, which ``KeyPolicy`` lets none be.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, _ operation: RSAPublicOperation) {
        guard let encoding = EncodedMessage(algorithm, digest, modulusBits: operation.bitCount) else { return nil }
        self.digest = digest
        self.encoding = encoding
        self.operation = operation
        let bytes = operation.byteCount
        scratches = ContextPool { RSAPublicOperation.Scratch(bytes: bytes) }
    }

    /// Whether `signature` is the key's over `message`.
    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        scratches.withContexts { scratch in
            guard unsafe operation.setMessage(of: signature, in: scratch),
                let hash = unsafe scratch.digest.hash(message, by: digest)
            else { return false }
            return unsafe encoding.isEncoded(in: scratch, hash)
        } ?? false
    }
}
