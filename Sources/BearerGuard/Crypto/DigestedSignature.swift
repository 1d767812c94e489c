// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// Signatures over a digest that `EVP_PKEY_verify` verifies: ECDSA, and RSA with exponents other than 65537.
final class DigestedSignature: Sendable {
    /// The key's `EVP_PKEY_CTX`, and what makes digests.
    ///
    /// `@unchecked Sendable` is sound because the pool lends it to one thread at a time.
    @safe private final class Contexts: @unchecked Sendable {
        let key: OpaquePointer
        let digest: DigestContext

        init?(_ template: OpenSSLHandle) {
            guard let digest = DigestContext(), let key = unsafe EVP_PKEY_CTX_dup(template.pointer) else { return nil }
            unsafe self.key = key
            self.digest = digest
        }

        deinit { unsafe EVP_PKEY_CTX_free(key) }
    }

    private let digest: Digest
    private let signatureBytes: Int
    /// Nil for RSA.
    private let curve: EllipticCurve?
    private let contexts: ContextPool<Contexts>

    /// Prepares `key`, which the caller has found to fit `algorithm`.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, _ key: OpenSSLHandle, _ components: PublicKeyComponents) {
        if case .ec(let curve, _, _) = components {
            self.curve = curve
            signatureBytes = 2 * curve.coordinateBytes
        } else {
            curve = nil
            signatureBytes = (components.bits + 7) / 8
        }
        guard let template = Self.context(key, digest, isRSA: curve == nil, pss: algorithm.usesPSS) else { return nil }
        self.digest = digest
        contexts = ContextPool { Contexts(template) }
    }

    /// Whether `signature` is the key's over `message`.
    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        guard signature.count == signatureBytes else { return false }
        return contexts.withContexts { contexts in
            guard let hash = unsafe contexts.digest.hash(message, by: digest) else { return false }
            guard let curve else { return unsafe Self.verify(signature, hash, contexts.key) }
            return unsafe ECDSASignature.withDER(fromRaw: signature, coordinateBytes: curve.coordinateBytes) {
                unsafe Self.verify($0, hash, contexts.key)
            } ?? false
        } ?? false
    }

    private static func context(
        _ key: OpenSSLHandle,
        _ digest: Digest,
        isRSA: Bool,
        pss: Bool
    ) -> OpenSSLHandle? {
        guard let method = unsafe digest.method,
            let context = unsafe OpenSSLHandle(
                EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil),
                release: { unsafe EVP_PKEY_CTX_free($0) }
            ),
            unsafe EVP_PKEY_verify_init(context.pointer) == 1
        else { return nil }
        if isRSA {
            let padding = pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING
            guard unsafe EVP_PKEY_CTX_set_rsa_padding(context.pointer, padding) == 1 else { return nil }
        }
        guard unsafe EVP_PKEY_CTX_set_signature_md(context.pointer, method) == 1 else { return nil }
        if pss {
            // RFC 7518 §3.5 fixes both; OpenSSL's default takes any salt length.
            guard unsafe EVP_PKEY_CTX_set_rsa_mgf1_md(context.pointer, method) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(context.pointer, Int32(digest.byteCount)) == 1
            else { return nil }
        }
        return context
    }

    private static func verify(
        _ signature: UnsafeRawBufferPointer,
        _ hash: UnsafeRawBufferPointer,
        _ context: OpaquePointer
    ) -> Bool {
        // Success is exactly 1: 0 is a wrong signature, a negative value an error (O4).
        unsafe EVP_PKEY_verify(
            context,
            signature.assumingMemoryBound(to: UInt8.self).baseAddress,
            signature.count,
            hash.assumingMemoryBound(to: UInt8.self).baseAddress,
            hash.count
        ) == 1
    }
}
