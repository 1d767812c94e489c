// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// One key prepared for one algorithm.
///
/// Verifies from any thread; each call works on a context of its own, out of a pool or a duplicate of a template.
package final class SignatureVerifier: Sendable {
    private enum Method {
        case rsa(RSASignature)
        case digested(DigestedSignature)
        /// `EVP_MD_CTX`, over the whole message.
        case edwards(OpenSSLHandle, signatureBytes: Int)
        /// `EVP_MAC_CTX`.
        case mac(OpenSSLHandle, bytes: Int)
    }

    package let algorithm: SignatureAlgorithm
    private let method: Method

    /// Prepares `key`, which the caller has found to fit `algorithm`.
    ///
    /// - Parameter operation: the key's, where RSA is to take the quicker way.
    init?(
        _ algorithm: SignatureAlgorithm,
        _ key: OpenSSLHandle,
        _ components: PublicKeyComponents,
        _ operation: RSAPublicOperation?
    ) {
        let method = OpenSSLErrorStack.isolated { () -> Method? in
            if case .edwards(let curve, _) = components {
                return Self.edwardsContext(key).map { .edwards($0, signatureBytes: curve.signatureBytes) }
            }
            guard let digest = algorithm.digest else { return nil }
            if let operation { return RSASignature(algorithm, digest, operation).map { .rsa($0) } }
            return DigestedSignature(algorithm, digest, key, components).map { .digested($0) }
        }
        guard let method else { return nil }
        self.algorithm = algorithm
        self.method = method
    }

    /// Prepares a shared secret.
    init?(algorithm: SignatureAlgorithm, secret: SharedSecret) {
        guard let digest = algorithm.digest,
            let context = OpenSSLErrorStack.isolated({ Self.macContext(secret, digest) })
        else { return nil }
        self.algorithm = algorithm
        method = .mac(context, bytes: digest.byteCount)
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// Every other outcome, errors of OpenSSL included, is false.
    package func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        OpenSSLErrorStack.isolated { unsafe Self.isValid(signature, for: message, by: method) }
    }

    /// By a method that is lent, so that no references to it are counted.
    private static func isValid(
        _ signature: UnsafeRawBufferPointer,
        for message: UnsafeRawBufferPointer,
        by method: Method
    ) -> Bool {
        // Length first: OpenSSL never sees a signature of another size (CVE-2022-21449, S2, S4).
        switch method {
        case .rsa(let method): return unsafe method.isValid(signature, for: message)
        case .digested(let method): return unsafe method.isValid(signature, for: message)
        case .edwards(let template, let length):
            guard signature.count == length else { return false }
            return unsafe Self.verifyEdwards(signature, message, template)
        case .mac(let template, let length):
            guard signature.count == length, let code = unsafe Self.code(of: message, bytes: length, template)
            else { return false }
            return unsafe code.withUnsafeBytes {
                unsafe CRYPTO_memcmp($0.baseAddress, signature.baseAddress, length)
            }
                == 0
        }
    }

    /// The HMAC of `message`, for who signs with a shared secret; nil for any other kind of key.
    package func authenticationCode(of message: ArraySlice<UInt8>) -> [UInt8]? {
        guard case .mac(let template, let length) = method else { return nil }
        return OpenSSLErrorStack.isolated {
            unsafe message.withUnsafeBytes { unsafe Self.code(of: $0, bytes: length, template) }
        }
    }
}

extension SignatureVerifier {
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

    private static func verifyEdwards(
        _ signature: UnsafeRawBufferPointer,
        _ message: UnsafeRawBufferPointer,
        _ template: OpenSSLHandle
    ) -> Bool {
        guard let copy = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(copy) }
        guard unsafe EVP_MD_CTX_copy_ex(copy, template.pointer) == 1 else { return false }
        return unsafe EVP_DigestVerify(
            copy,
            signature.assumingMemoryBound(to: UInt8.self).baseAddress,
            signature.count,
            message.assumingMemoryBound(to: UInt8.self).baseAddress,
            message.count
        ) == 1
    }

    private static func code(
        of message: UnsafeRawBufferPointer,
        bytes: Int,
        _ template: OpenSSLHandle
    ) -> [UInt8]? {
        guard let copy = unsafe EVP_MAC_CTX_dup(template.pointer) else { return nil }
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
