// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import CBenchmarkOpenSSL

/// The limit: one signature verified by OpenSSL alone, with a context prepared before and the digest included.
final class RawVerification {
    private let key: OpaquePointer
    private let context: OpaquePointer
    private let digest: OpaquePointer?
    private let message: [UInt8]
    private let signature: [UInt8]

    /// Takes the signature out of `token`, in the form that OpenSSL wants.
    init?(token: String, pem: String, algorithm: SignatureAlgorithm) {
        let parts = token.split(separator: ".")
        guard parts.count == 3, let decoded = Self.decode(parts[2]) else { return nil }
        message = Array("\(parts[0]).\(parts[1])".utf8)
        signature = algorithm == .es256 ? Self.der(decoded) : decoded
        let bytes = Array(pem.utf8)
        guard let input = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { return nil }
        defer { BIO_free(input) }
        guard let key = PEM_read_bio_PUBKEY(input, nil, nil, nil) else { return nil }
        self.key = key
        if algorithm == .edDSA {
            guard let context = EVP_MD_CTX_new(), EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else {
                return nil
            }
            self.context = context
            digest = nil
        } else {
            digest = EVP_MD_fetch(nil, "SHA256", nil)
            guard let context = EVP_PKEY_CTX_new(key, nil), EVP_PKEY_verify_init(context) == 1 else { return nil }
            self.context = context
            if algorithm == .ps256 { EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) }
            EVP_PKEY_CTX_set_signature_md(context, digest)
        }
    }

    /// Verifies once.
    func verify() -> Bool {
        guard let digest else {
            return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { hash in
            var length: UInt32 = 0
            EVP_Digest(message, message.count, hash.baseAddress, &length, digest, nil)
            return EVP_PKEY_verify(context, signature, signature.count, hash.baseAddress, 32) == 1
        }
    }

    private static func decode(_ text: Substring) -> [UInt8]? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    private static func der(_ raw: [UInt8]) -> [UInt8] {
        func integer(_ half: ArraySlice<UInt8>) -> [UInt8] {
            let digits = half.drop { $0 == 0 }
            let padded = (digits.first ?? 0x80) & 0x80 != 0 ? [0] + digits : Array(digits)
            return [0x02, UInt8(padded.count)] + padded
        }
        let body = integer(raw[..<32]) + integer(raw[32...])
        return [0x30, UInt8(body.count)] + body
    }
}
