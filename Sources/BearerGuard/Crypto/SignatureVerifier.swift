// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// One key prepared for one algorithm.
///
/// Verifies from any thread; each call works on a context of its own, out of the pool or a duplicate of the template.
package final class SignatureVerifier: Sendable {
    private enum Template {
        /// `EVP_PKEY_CTX`, over ``digest``.
        case digested(signatureBytes: Int, curve: EllipticCurve?)
        /// `EVP_MD_CTX`, over the whole message.
        case edwards(signatureBytes: Int)
        /// `EVP_MAC_CTX`.
        case mac(bytes: Int)
    }

    package let algorithm: SignatureAlgorithm
    /// Nil for Edwards curves.
    private let digest: Digest?
    private let template: Template
    private let context: OpenSSLHandle
    private let contexts: ContextPool

    /// Prepares `key`, which the caller has found to fit `algorithm`.
    init?(algorithm: SignatureAlgorithm, key: OpenSSLHandle, components: PublicKeyComponents) {
        let prepared = OpenSSLErrorStack.isolated { () -> (Template, OpenSSLHandle)? in
            if case .edwards(let curve) = components.type {
                guard let context = Self.edwardsContext(key) else { return nil }
                return (.edwards(signatureBytes: curve.signatureBytes), context)
            }
            guard let digest = algorithm.digest,
                let context = Self.digestedContext(key, digest, isRSA: components.type == .rsa, pss: algorithm.usesPSS)
            else { return nil }
            switch components {
            case .ec(let curve, _, _):
                return (.digested(signatureBytes: 2 * curve.coordinateBytes, curve: curve), context)
            default:
                return (.digested(signatureBytes: (components.bits + 7) / 8, curve: nil), context)
            }
        }
        guard let (template, context) = prepared else { return nil }
        self.algorithm = algorithm
        self.digest = algorithm.digest
        self.template = template
        self.context = context
        self.contexts = ContextPool(context)
    }

    /// Prepares a shared secret.
    init?(algorithm: SignatureAlgorithm, secret: SharedSecret) {
        guard let digest = algorithm.digest,
            let context = OpenSSLErrorStack.isolated({ Self.macContext(secret, digest) })
        else { return nil }
        self.algorithm = algorithm
        self.digest = algorithm.digest
        self.template = .mac(bytes: digest.byteCount)
        self.context = context
        self.contexts = ContextPool(context)
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// Every other outcome, errors of OpenSSL included, is false.
    package func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        OpenSSLErrorStack.isolated {
            switch template {
            case .digested(let length, let curve):
                // Length first: OpenSSL never sees a signature of another size (CVE-2022-21449, S2, S4).
                guard signature.count == length, let digest else { return false }
                return contexts.withContexts { contexts in
                    unsafe digest.withHash(message, in: contexts.digest) { hash in
                        guard let curve else { return unsafe Self.verify(signature, hash, contexts.key) }
                        let size = curve.coordinateBytes
                        return unsafe ECDSASignature.withDER(fromRaw: signature, coordinateBytes: size) {
                            unsafe Self.verify($0, hash, contexts.key)
                        } ?? false
                    } ?? false
                } ?? false
            case .edwards(let length):
                guard signature.count == length else { return false }
                return unsafe verifyEdwards(signature, message)
            case .mac(let length):
                guard signature.count == length, let code = unsafe authenticationCode(message, bytes: length)
                else { return false }
                return unsafe code.withUnsafeBytes {
                    unsafe CRYPTO_memcmp($0.baseAddress, signature.baseAddress, length)
                }
                    == 0
            }
        }
    }

    /// The HMAC of `message`, for fingerprints; nil for any other kind of key.
    package func authenticationCode(of message: ArraySlice<UInt8>) -> [UInt8]? {
        guard case .mac(let length) = template else { return nil }
        return OpenSSLErrorStack.isolated {
            unsafe message.withUnsafeBytes { unsafe authenticationCode($0, bytes: length) }
        }
    }
}

extension SignatureVerifier {
    private static func digestedContext(
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

    private static func edwardsContext(_ key: OpenSSLHandle) -> OpenSSLHandle? {
        guard let context = unsafe OpenSSLHandle(EVP_MD_CTX_new(), release: { unsafe EVP_MD_CTX_free($0) }),
            unsafe EVP_DigestVerifyInit_ex(context.pointer, nil, nil, nil, nil, key.pointer, nil) == 1
        else { return nil }
        return context
    }

    private static let hmac: OpenSSLHandle? = unsafe OpenSSLHandle(EVP_MAC_fetch(nil, "HMAC", nil)) {
        unsafe EVP_MAC_free($0)
    }

    private static func macContext(_ secret: SharedSecret, _ digest: Digest) -> OpenSSLHandle? {
        guard let hmac,
            let context = unsafe OpenSSLHandle(EVP_MAC_CTX_new(hmac.pointer), release: { unsafe EVP_MAC_CTX_free($0) })
        else { return nil }
        var name = Array(digest.name.utf8CString)
        return unsafe name.withUnsafeMutableBufferPointer { name in
            var parameters = unsafe [
                OSSL_PARAM_construct_utf8_string(ParameterName.digest, name.baseAddress, 0), OSSL_PARAM_construct_end(),
            ]
            guard unsafe EVP_MAC_init(context.pointer, secret.bytes, secret.bytes.count, &parameters) == 1 else {
                return nil
            }
            return context
        }
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

    private func verifyEdwards(_ signature: UnsafeRawBufferPointer, _ message: UnsafeRawBufferPointer) -> Bool {
        guard let copy = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(copy) }
        guard unsafe EVP_MD_CTX_copy_ex(copy, context.pointer) == 1 else { return false }
        return unsafe EVP_DigestVerify(
            copy,
            signature.assumingMemoryBound(to: UInt8.self).baseAddress,
            signature.count,
            message.assumingMemoryBound(to: UInt8.self).baseAddress,
            message.count
        ) == 1
    }

    private func authenticationCode(_ message: UnsafeRawBufferPointer, bytes: Int) -> [UInt8]? {
        guard let copy = unsafe EVP_MAC_CTX_dup(context.pointer) else { return nil }
        defer { unsafe EVP_MAC_CTX_free(copy) }
        var code = [UInt8](repeating: 0, count: bytes)
        var length = 0
        guard
            unsafe EVP_MAC_update(copy, message.assumingMemoryBound(to: UInt8.self).baseAddress, message.count) == 1,
            unsafe EVP_MAC_final(copy, &code, &length, bytes) == 1, length == bytes
        else { return nil }
        return code
    }
}
