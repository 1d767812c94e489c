// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8) with one key whose exponent is 65537.
///
/// It accepts what ``DigestedSignature`` accepts with the same key, in less time.
final class RSASignature: Sendable {
    private let digest: Digest
    private let operation: RSAPublicOperation
    /// Nil for PSS.
    private let encoding: PKCS1Encoding?
    private let scratches: ContextPool<RSAPublicOperation.Scratch>

    /// Prepares a key; nil for a modulus too short for the digest, which ``KeyPolicy`` lets none be, or when OpenSSL fails.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, _ operation: RSAPublicOperation) {
        if algorithm.usesPSS {
            encoding = nil
        } else {
            guard let prepared = PKCS1Encoding(digest, operation) else { return nil }
            encoding = prepared
        }
        self.digest = digest
        self.operation = operation
        let bytes = operation.byteCount
        scratches = ContextPool { RSAPublicOperation.Scratch(bytes: bytes) }
    }

    /// Whether `signature` is the key's over `message`.
    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        scratches.withContexts { scratch in
            guard unsafe operation.raise(signature, in: scratch),
                let hash = unsafe scratch.digest.hash(message, by: digest)
            else { return false }
            if let isEncoded = unsafe encoding?.isEncoded(in: scratch, hash) { return isEncoded }
            guard let message = unsafe operation.message(in: scratch) else { return false }
            let encoding = PSSEncoding(digest: digest, modulusBits: operation.bitCount)
            return unsafe encoding.isEncoded(message, hash, by: scratch.digest)
        } ?? false
    }
}
