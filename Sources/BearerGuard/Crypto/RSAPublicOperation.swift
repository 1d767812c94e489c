// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// The RSA public-key operation of one key, RSAVP1 of RFC 8017 §5.2.2, for the exponent 65537, which practically every
/// key has.
///
/// A Montgomery multiplication also divides by a number R. OpenSSL's own exponentiation takes twenty of them, as it
/// brings the signature into a form that makes up for this, and the result back. Here the signature is multiplied as it
/// is, 17 times, and one more multiplication, by a constant of the key, makes up for all divisions at once.
final class RSAPublicOperation: Sendable {
    /// What one operation works on; of one thread at a time.
    ///
    /// `@unchecked Sendable` is sound because a pool lends it to one thread at a time.
    @safe
    final class Scratch: @unchecked Sendable {
        let digest: DigestContext
        fileprivate let signature: OpaquePointer
        fileprivate let power: OpaquePointer
        fileprivate let temporary: OpaquePointer
        fileprivate let message: UnsafeMutableRawBufferPointer

        /// - Parameter bytes: of the modulus.
        init?(bytes: Int) {
            let signature = unsafe BN_new()
            let power = unsafe BN_new()
            let temporary = unsafe BN_CTX_new()
            guard let digest = DigestContext(), let signature = unsafe signature, let power = unsafe power,
                let temporary = unsafe temporary
            else {
                unsafe BN_free(signature)
                unsafe BN_free(power)
                unsafe BN_CTX_free(temporary)
                return nil
            }
            self.digest = digest
            unsafe self.signature = signature
            unsafe self.power = power
            unsafe self.temporary = temporary
            unsafe message = .allocate(byteCount: bytes, alignment: 8)
        }

        deinit {
            unsafe BN_free(signature)
            unsafe BN_free(power)
            unsafe BN_CTX_free(temporary)
            unsafe message.deallocate()
        }
    }

    /// Bytes of the modulus, and so of every signature.
    let byteCount: Int
    /// Bits of the modulus.
    let bitCount: Int
    private let modulus: OpenSSLHandle
    private let montgomery: OpenSSLHandle
    /// R to the power of 65537, modulo the modulus.
    private let correction: OpenSSLHandle

    /// Prepares a key that passed ``KeyPolicy``; nil for another exponent, or when OpenSSL fails.
    init?(modulus: [UInt8], exponent: [UInt8]) {
        guard exponent == [1, 0, 1],
            let n = unsafe OpenSSLHandle(
                BN_bin2bn(modulus, Int32(clamping: modulus.count), nil),
                release: { unsafe BN_free($0) }
            ),
            let montgomery = unsafe OpenSSLHandle(BN_MONT_CTX_new(), release: { unsafe BN_MONT_CTX_free($0) }),
            let correction = unsafe OpenSSLHandle(BN_new(), release: { unsafe BN_free($0) }),
            let temporary = unsafe OpenSSLHandle(BN_CTX_new(), release: { unsafe BN_CTX_free($0) }),
            unsafe BN_MONT_CTX_set(montgomery.pointer, n.pointer, temporary.pointer) == 1
        else { return nil }
        // From 1 to R to R²; sixteen squarings, each divided by R, make R to the power of 65537 of it.
        let power = unsafe correction.pointer
        guard unsafe BN_set_word(power, 1) == 1,
            unsafe BN_to_montgomery(power, power, montgomery.pointer, temporary.pointer) == 1,
            unsafe BN_to_montgomery(power, power, montgomery.pointer, temporary.pointer) == 1,
            unsafe Self.square(power, times: 16, montgomery.pointer, temporary.pointer)
        else { return nil }
        byteCount = modulus.count
        bitCount = modulus.bitWidth
        self.modulus = n
        self.montgomery = montgomery
        self.correction = correction
    }

    /// The message that `signature` stands for, of as many bytes as the modulus, which stands in `scratch` until the next one;
    /// nil for a signature of another length or not below the modulus.
    func message(of signature: UnsafeRawBufferPointer, in scratch: Scratch) -> UnsafeMutableRawBufferPointer? {
        guard signature.count == byteCount, let length = Int32(exactly: byteCount) else { return nil }
        let bytes = unsafe signature.assumingMemoryBound(to: UInt8.self).baseAddress
        // Pointers alone: threads would meet at the counts of the handles' references.
        let (modulus, montgomery, correction) = unsafe (modulus.pointer, montgomery.pointer, correction.pointer)
        let (number, power, temporary) = unsafe (scratch.signature, scratch.power, scratch.temporary)
        func multiply(_ left: OpaquePointer, _ right: OpaquePointer) -> Bool {
            unsafe BN_mod_mul_montgomery(power, left, right, montgomery, temporary) == 1
        }
        guard unsafe BN_bin2bn(bytes, length, number) != nil, unsafe BN_ucmp(number, modulus) < 0,
            unsafe multiply(number, number), unsafe Self.square(power, times: 15, montgomery, temporary),
            unsafe multiply(power, number), unsafe multiply(power, correction)
        else { return nil }
        let output = unsafe scratch.message.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard unsafe BN_bn2binpad(power, output, length) == length else { return nil }
        return unsafe scratch.message
    }

    private static func square(
        _ number: OpaquePointer,
        times count: Int,
        _ montgomery: OpaquePointer,
        _ temporary: OpaquePointer
    ) -> Bool {
        for _ in 0..<count {
            guard unsafe BN_mod_mul_montgomery(number, number, number, montgomery, temporary) == 1 else { return false }
        }
        return true
    }
}
