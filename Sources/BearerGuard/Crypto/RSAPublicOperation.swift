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
    @safe final class Scratch: @unchecked Sendable {
        let digest: DigestContext
        /// The message of the last signature.
        let message: OpaquePointer
        /// Nothing that is kept.
        let number: OpaquePointer
        fileprivate let temporary: OpaquePointer
        private let bytes: UnsafeMutableRawBufferPointer

        /// - Parameter bytes: of the modulus.
        init?(bytes: Int) {
            let message = unsafe BN_new()
            let number = unsafe BN_new()
            let temporary = unsafe BN_CTX_new()
            guard let digest = DigestContext(), let message = unsafe message, let number = unsafe number,
                let temporary = unsafe temporary
            else {
                unsafe BN_free(message)
                unsafe BN_free(number)
                unsafe BN_CTX_free(temporary)
                return nil
            }
            self.digest = digest
            unsafe self.message = message
            unsafe self.number = number
            unsafe self.temporary = temporary
            unsafe self.bytes = .allocate(byteCount: bytes, alignment: 8)
        }

        deinit {
            unsafe BN_free(message)
            unsafe BN_free(number)
            unsafe BN_CTX_free(temporary)
            unsafe bytes.deallocate()
        }

        /// The message, of as many bytes as the modulus, which stand there until they are asked for again; nil when OpenSSL fails.
        func messageBytes() -> UnsafeMutableRawBufferPointer? {
            let output = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            guard let length = unsafe Int32(exactly: bytes.count),
                unsafe BN_bn2binpad(message, output, length) == length
            else {
                return nil
            }
            return unsafe bytes
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

    /// Finds the message that `signature` stands for; false for a signature of another length than the modulus has, or not below
    /// it.
    func setMessage(of signature: UnsafeRawBufferPointer, in scratch: Scratch) -> Bool {
        guard signature.count == byteCount, let length = Int32(exactly: byteCount) else { return false }
        let bytes = unsafe signature.assumingMemoryBound(to: UInt8.self).baseAddress
        // Pointers alone: threads would meet at the counts of the handles' references.
        let (modulus, montgomery, correction) = unsafe (modulus.pointer, montgomery.pointer, correction.pointer)
        let (number, power, temporary) = unsafe (scratch.number, scratch.message, scratch.temporary)
        func multiply(_ left: OpaquePointer, _ right: OpaquePointer) -> Bool {
            unsafe BN_mod_mul_montgomery(power, left, right, montgomery, temporary) == 1
        }
        return unsafe BN_bin2bn(bytes, length, number) != nil && BN_ucmp(number, modulus) < 0
            && multiply(number, number) && Self.square(power, times: 15, montgomery, temporary)
            && multiply(power, number) && multiply(power, correction)
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
