// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2) with one key.
///
/// The encoding that there must be is known, and compared whole, as the number that it stands for; what is never parsed
/// cannot be parsed laxly (RFC 8017 §8.2.2). It is a constant with the hash in its lowest bytes. A raised signature is
/// divided by R 65536 times, so the encoding is divided likewise, which makes it another constant and the hash times a
/// number of the key. The two agree where they differ by a multiple of the modulus n.
///
/// The difference, with n added once so that it is not negative, lies above 0 and below (2^h + 1) n for a hash of h bits. So
/// if n divides it, the quotient is at most 2^h: its lowest bits, which are those of the difference times the inverse of n,
/// are all of it. With it the whole difference is compared.
final class PKCS1Encoding: Sendable {
    private let modulus: OpenSSLHandle
    /// The divided encoding of a hash of zeros, and the modulus.
    private let start: OpenSSLHandle
    /// What the hash is multiplied by: 1 divided by R 65536 times, modulo the modulus.
    private let scale: OpenSSLHandle
    /// The inverse of the modulus, modulo 2 to the power of ``bits``.
    private let inverse: OpenSSLHandle
    /// As many as a hash has, and 64.
    private let bits: Int32

    /// Prepares a key; nil for a modulus too short for the digest, which ``KeyPolicy`` lets none be, or when OpenSSL fails.
    init?(_ digest: Digest, _ operation: RSAPublicOperation) {
        // A DigestInfo in DER: SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.x, NULL }, OCTET STRING }.
        let hashBytes = UInt8(truncatingIfNeeded: digest.byteCount)
        let information: [UInt8] = [
            0x30, hashBytes + 17, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            digest.identifier, 0x05, 0x00, 0x04, hashBytes,
        ]
        let padding = operation.byteCount - 3 - information.count - digest.byteCount
        guard padding >= 8 else { return nil }
        let encoding: [UInt8] =
            [0x00, 0x01] + [UInt8](repeating: 0xFF, count: padding) + [0x00] + information
            + [UInt8](repeating: 0, count: digest.byteCount)
        let lowBytes = digest.byteCount + 8
        guard let scale = operation.raisedOne(), let start = OpenSSLHandle(number: encoding),
            let inverse = OpenSSLHandle(number: []),
            let powerOfTwo = OpenSSLHandle(number: [1] + [UInt8](repeating: 0, count: lowBytes)),
            let temporary = OpenSSLHandle.temporaryNumbers()
        else { return nil }
        modulus = operation.modulus
        let n = unsafe modulus.pointer
        guard unsafe BN_mod_mul(start.pointer, start.pointer, scale.pointer, n, temporary.pointer) == 1,
            unsafe BN_uadd(start.pointer, start.pointer, n) == 1,
            unsafe BN_mod_inverse(inverse.pointer, n, powerOfTwo.pointer, temporary.pointer) != nil
        else { return nil }
        self.start = start
        self.scale = scale
        self.inverse = inverse
        bits = 8 * Int32(truncatingIfNeeded: lowBytes)
    }

    /// Whether the signature that was raised in `scratch` stands for `hash`, which stands there as well.
    ///
    /// Overwrites what it was raised to.
    func isEncoded(in scratch: RSAPublicOperation.Scratch, _ hash: UnsafeRawBufferPointer) -> Bool {
        let bytes = unsafe hash.assumingMemoryBound(to: UInt8.self).baseAddress
        // Pointers alone: threads would meet at the counts of the handles' references.
        let (modulus, start, scale, inverse) = unsafe (modulus.pointer, start.pointer, scale.pointer, inverse.pointer)
        let (power, number, product, temporary) = unsafe (
            scratch.power, scratch.number, scratch.product, scratch.temporary
        )
        guard unsafe BN_bin2bn(bytes, Int32(truncatingIfNeeded: hash.count), number) != nil,
            unsafe BN_mul(product, number, scale, temporary) == 1, unsafe BN_uadd(product, product, start) == 1,
            unsafe BN_usub(product, product, power) == 1, unsafe BN_copy(number, product) != nil
        else { return false }
        // That a number has fewer bits anyway is a failure to OpenSSL, and right here.
        _ = unsafe BN_mask_bits(number, bits)
        let quotient = unsafe power
        guard unsafe BN_mul(quotient, number, inverse, temporary) == 1 else { return false }
        _ = unsafe BN_mask_bits(quotient, bits)
        return unsafe BN_mul(number, quotient, modulus, temporary) == 1 && BN_ucmp(number, product) == 0
    }
}
