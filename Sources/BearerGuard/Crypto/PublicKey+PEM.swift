// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

extension PublicKeyComponents {
    /// Reads a PEM text: a `PUBLIC KEY` (SubjectPublicKeyInfo) or a `CERTIFICATE`, whose key is taken and whose
    /// validity and issuer are not looked at, because the operator pinned it.
    package init(pem: String) throws(KeyFault) {
        guard !pem.holds("PRIVATE KEY-----") else { throw .invalid("PEM holds a private key") }
        let parsed = OpenSSLErrorStack.isolated { Self.read(pem) }
        guard let parsed else { throw .invalid("PEM holds neither a public key nor a certificate that can be used") }
        self = parsed
    }

    private static func read(_ pem: String) -> PublicKeyComponents? {
        let bytes = Array(pem.utf8)
        guard let input = unsafe BIO_new_mem_buf(bytes, Int32(clamping: bytes.count)) else { return nil }
        defer { unsafe BIO_free(input) }
        var key: OpaquePointer?
        if pem.holds("-----BEGIN CERTIFICATE-----") {
            guard let certificate = unsafe PEM_read_bio_X509(input, nil, nil, nil) else { return nil }
            unsafe key = X509_get_pubkey(certificate)
            unsafe X509_free(certificate)
        } else {
            unsafe key = PEM_read_bio_PUBKEY(input, nil, nil, nil)
        }
        guard let handle = unsafe OpenSSLHandle(key, release: { unsafe EVP_PKEY_free($0) }) else { return nil }
        return unsafe components(of: handle.pointer)
    }

    /// The numbers of a key that OpenSSL holds; borrows it.
    package static func components(of key: OpaquePointer) -> PublicKeyComponents? {
        if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
            guard let modulus = unsafe number(key, OSSL_PKEY_PARAM_RSA_N),
                let exponent = unsafe number(key, OSSL_PKEY_PARAM_RSA_E)
            else { return nil }
            return .rsa(modulus: modulus, exponent: exponent)
        }
        if unsafe EVP_PKEY_is_a(key, "EC") == 1 {
            guard let curve = unsafe curve(of: key),
                let x = unsafe number(key, OSSL_PKEY_PARAM_EC_PUB_X, byteCount: curve.coordinateBytes),
                let y = unsafe number(key, OSSL_PKEY_PARAM_EC_PUB_Y, byteCount: curve.coordinateBytes)
            else { return nil }
            return .ec(curve, x: x, y: y)
        }
        for curve in EdwardsCurve.allCases where unsafe EVP_PKEY_is_a(key, curve.rawValue.uppercased()) == 1 {
            var length = curve.publicKeyBytes
            var bytes = [UInt8](repeating: 0, count: length)
            guard unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &length) == 1 else { return nil }
            return .edwards(curve, x: bytes)
        }
        return nil
    }

    private static func curve(of key: OpaquePointer) -> EllipticCurve? {
        var name = [CChar](repeating: 0, count: 64)
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // OpenSSL prefers the X9.62 and SECG names.
        switch text {
        case "prime256v1": return .p256
        case "secp384r1": return .p384
        case "secp521r1": return .p521
        default: return EllipticCurve(rawValue: text)
        }
    }

    /// A parameter of the key as big-endian bytes, zero-padded to `byteCount` where one is given.
    private static func number(_ key: OpaquePointer, _ name: String, byteCount: Int? = nil) -> [UInt8]? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number else { return nil }
        defer { unsafe BN_free(number) }
        let length = byteCount ?? Int(unsafe (BN_num_bits(number) + 7) / 8)
        var bytes = [UInt8](repeating: 0, count: length)
        guard unsafe BN_bn2binpad(number, &bytes, Int32(clamping: length)) == Int32(clamping: length) else {
            return nil
        }
        return bytes
    }
}
