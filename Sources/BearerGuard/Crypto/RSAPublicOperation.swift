// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// The RSA public-key operation of one key, RSAVP1 of RFC 8017 §5.2.2, for the exponent 65537, which practically every
/// key has.
///
/// A Montgomery multiplication also divides by a number R. OpenSSL's own exponentiation takes twenty of them, as it
/// brings the signature into a form that makes up for this, and the result back. Here the signature is multiplied as it
/// is, 17 times. One more multiplication, by a constant of the key, makes up for all divisions at once; where the message
/// that there must be is known, it is divided likewise instead, which takes less.
final class RSAPublicOperation: Sendable {
    /// What one operation works on; of one thread at a time.
    ///
    /// `@unchecked Sendable` is sound because a pool lends it to one thread at a time.
    @safe final class Scratch: @unchecked Sendable {
        let digest: DigestContext
        /// What the last signature came to.
        let power: OpaquePointer
        /// Nothing that is kept.
        let number: OpaquePointer
        let product: OpaquePointer
        let temporary: OpaquePointer
        private let bytes: UnsafeMutableRawBufferPointer

        /// - Parameter bytes: of the modulus.
        init?(bytes: Int) {
            let power = unsafe BN_new()
            let number = unsafe BN_new()
            let product = unsafe BN_new()
            let temporary = unsafe BN_CTX_new()
            guard let digest = DigestContext(), let power = unsafe power, let number = unsafe number,
                let product = unsafe product, let temporary = unsafe temporary
            else {
                unsafe BN_free(power)
                unsafe BN_free(number)
                unsafe BN_free(product)
                unsafe BN_CTX_free(temporary)
                return nil
            }
            self.digest = digest
            unsafe self.power = power
            unsafe self.number = number
            unsafe self.product = product
            unsafe self.temporary = temporary
            unsafe self.bytes = .allocate(byteCount: bytes, alignment: 8)
        }

        deinit {
            unsafe BN_free(power)
            unsafe BN_free(number)
            unsafe BN_free(product)
            unsafe BN_CTX_free(temporary)
            unsafe bytes.deallocate()
        }

        /// The power, of as many bytes as the modulus, which stand there until they are asked for again; nil when OpenSSL fails.
        fileprivate func powerBytes() -> UnsafeMutableRawBufferPointer? {
            let output = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            guard let length = unsafe Int32(exactly: bytes.count),
                unsafe BN_bn2binpad(power, output, length) == length
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
    let modulus: OpenSSLHandle
    private let montgomery: OpenSSLHandle
    /// R to the power of 65537, modulo the modulus.
    private let correction: OpenSSLHandle

    /// Prepares a key that passed ``KeyPolicy``; nil for another exponent, or when OpenSSL fails.
    init?(modulus: [UInt8], exponent: [UInt8]) {
        guard exponent == [1, 0, 1],
            let n = OpenSSLHandle(number: modulus),
            let montgomery = unsafe OpenSSLHandle(BN_MONT_CTX_new(), release: { unsafe BN_MONT_CTX_free($0) }),
            let correction = OpenSSLHandle(number: [1]),
            let temporary = OpenSSLHandle.temporaryNumbers(),
            unsafe BN_MONT_CTX_set(montgomery.pointer, n.pointer, temporary.pointer) == 1
        else { return nil }
        // From 1 to R to R²; sixteen squarings, each divided by R, make R to the power of 65537 of it.
        let power = unsafe correction.pointer
        guard unsafe BN_to_montgomery(power, power, montgomery.pointer, temporary.pointer) == 1,
            unsafe BN_to_montgomery(power, power, montgomery.pointer, temporary.pointer) == 1,
            unsafe Self.square(power, times: 16, montgomery.pointer, temporary.pointer)
        else { return nil }
        byteCount = modulus.count
        bitCount = modulus.bitWidth
        self.modulus = n
        self.montgomery = montgomery
        self.correction = correction
    }

    /// What ``raise(_:in:)`` makes of the signature 1, which stands for 1; nil when OpenSSL fails.
    func raisedOne() -> OpenSSLHandle? {
        guard let one = OpenSSLHandle(number: [1]), let power = OpenSSLHandle(number: [1]),
            let temporary = OpenSSLHandle.temporaryNumbers(),
            unsafe raise(one.pointer, power.pointer, temporary.pointer)
        else { return nil }
        return power
    }

    /// Raises `signature` to the power of 65537, divided by R 65536 times; false for a signature of another length than the
    /// modulus has, or not below it.
    func raise(_ signature: UnsafeRawBufferPointer, in scratch: Scratch) -> Bool {
        guard signature.count == byteCount, let length = Int32(exactly: byteCount) else { return false }
        let bytes = unsafe signature.assumingMemoryBound(to: UInt8.self).baseAddress
        let number = unsafe scratch.number
        return unsafe BN_bin2bn(bytes, length, number) != nil && BN_ucmp(number, modulus.pointer) < 0
            && raise(number, scratch.power, scratch.temporary)
    }

    @_optimize(speed)
    private func raise(_ number: OpaquePointer, _ power: OpaquePointer, _ temporary: OpaquePointer) -> Bool {
        // A pointer alone: threads would meet at the count of the handle's references.
        let montgomery = unsafe montgomery.pointer
        return unsafe BN_mod_mul_montgomery(power, number, number, montgomery, temporary) == 1
            && Self.square(power, times: 15, montgomery, temporary)
            && BN_mod_mul_montgomery(power, power, number, montgomery, temporary) == 1
    }

    /// The message that the signature stands for which was raised last, of as many bytes as the modulus; nil when OpenSSL fails.
    func message(in scratch: Scratch) -> UnsafeMutableRawBufferPointer? {
        let (power, temporary) = unsafe (scratch.power, scratch.temporary)
        guard unsafe BN_mod_mul_montgomery(power, power, correction.pointer, montgomery.pointer, temporary) == 1 else {
            return nil
        }
        return unsafe scratch.powerBytes()
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
