// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8) with one key whose exponent is 65537.
///
/// It accepts what ``DigestedSignature`` accepts with the same key, in less time.
final class RSASignature: Sendable {
    private let digest: Digest
    private let encoding: EncodedMessage
    private let operation: RSAPublicOperation
    private let scratches = ContextPool { RSAPublicOperation.Scratch() }

    /// Prepares a key; nil for another exponent.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, modulus: [UInt8], exponent: [UInt8]) {
        guard let operation = RSAPublicOperation(modulus: modulus, exponent: exponent),
            let encoding = algorithm.usesPSS
                ? .pss(modulusBits: operation.bitCount)
                : EncodedMessage.pkcs1(digest, modulusBytes: operation.byteCount)
        else { return nil }
        self.digest = digest
        self.encoding = encoding
        self.operation = operation
    }

    /// Whether `signature` is the key's over `message`.
    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        guard signature.count == operation.byteCount else { return false }
        return scratches.withContexts { scratch in
            unsafe digest.withHash(message, in: scratch.digest) { hash in
                unsafe operation.withMessage(of: signature, in: scratch) { encoded in
                    unsafe encoding.isEncoded(in: encoded, hash, digest, scratch.digest)
                } ?? false
            } ?? false
        } ?? false
    }
}
