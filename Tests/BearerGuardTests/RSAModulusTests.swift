// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import COpenSSL
import Testing

/// A modulus is found sound by a proof of our own, or by OpenSSL's check where that fails: of moduli that are not made to tell
/// them apart both say the same.
@Suite("RSA moduli")
struct RSAModulusTests {
    private static func product(_ factors: [[UInt8]]) -> [UInt8] {
        unsafe number { product, other in
            let temporary = unsafe BN_CTX_new()
            defer { unsafe BN_CTX_free(temporary) }
            unsafe BN_set_word(product, 1)
            for factor in factors {
                unsafe BN_bin2bn(factor, Int32(factor.count), other)
                unsafe BN_mul(product, product, other, temporary)
            }
        }
    }

    private static func prime(_ bits: Int32) -> [UInt8] {
        unsafe number { prime, _ in unsafe BN_generate_prime_ex(prime, bits, 0, nil, nil, nil) }
    }

    private static func number(_ make: (OpaquePointer?, OpaquePointer?) -> Void) -> [UInt8] {
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        let number = unsafe BN_new()
        let other = unsafe BN_new()
        defer {
            unsafe BN_free(number)
            unsafe BN_free(other)
        }
        unsafe make(number, other)
        var bytes = [UInt8](repeating: 0, count: Int(unsafe BN_num_bits(number) + 7) / 8)
        unsafe BN_bn2bin(number, &bytes)
        return bytes
    }

    /// The fault that is found in a modulus, by our own steps and by OpenSSL's; both nil where there is none.
    private func faults(in modulus: [UInt8]) -> [KeyFault.Kind?] {
        [false, true].map { throughProviders in
            do throws(KeyFault) {
                _ = try PublicKey(.rsa(modulus: modulus, exponent: [1, 0, 1]), throughProviders: throughProviders)
                return nil
            } catch {
                return error.kind
            }
        }
    }

    @Test(
        "The product of two primes is sound, and of three of them",
        arguments: [[1024, 1024], [1500, 1500], [700, 700, 700]]
    )
    func products(_ bits: [Int32]) {
        #expect(faults(in: Self.product(bits.map(Self.prime))) == [nil, nil])
    }

    @Test("A prime, and a power of one, is not", arguments: [1, 2, 3])
    func powers(_ exponent: Int) {
        // 3 modulo 11, as no power of a prime is then that the flawed generator of the ROCA keys could leave.
        let prime = unsafe Self.number { prime, step in
            let rest = unsafe BN_new()
            defer { unsafe BN_free(rest) }
            unsafe BN_set_word(step, 22)
            unsafe BN_set_word(rest, 3)
            unsafe BN_generate_prime_ex(prime, Int32(2064 / exponent), 0, step, rest, nil)
        }
        #expect(faults(in: Self.product([[UInt8]](repeating: prime, count: exponent))) == [.invalid, .invalid])
    }

    @Test("A modulus with a small factor is not", arguments: [3, 5, 7, 251, 257, 743, 751] as [UInt16])
    func smallFactors(_ factor: UInt16) {
        let bytes = [UInt8(factor >> 8), UInt8(factor & 0xFF)]
        #expect(faults(in: Self.product([bytes, Self.prime(1024), Self.prime(1024)])) == [.invalid, .invalid])
    }

    @Test("Where nothing can be proved OpenSSL decides")
    func unproved() {
        // 2 to the power of 1279 is 1 modulo the Mersenne prime, and where the other prime is 1 modulo 1279, so is the product.
        let mersenne: [UInt8] = [0x7F] + [UInt8](repeating: 0xFF, count: 159)
        let other = unsafe Self.number { prime, step in
            unsafe BN_set_word(step, 2 * 1279)
            unsafe BN_generate_prime_ex(prime, 1024, 0, step, BN_value_one(), nil)
        }
        let modulus = Self.product([mersenne, other])
        // What other tests left is none of this one's.
        _ = OpenSSLErrors.count
        #expect(!RSAModulusProof.succeeds(for: modulus))
        #expect(OpenSSLErrors.count == 0)
        #expect(faults(in: modulus) == [nil, nil])
    }
}
