// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// What `EVP_PKEY_public_check` looks for in an RSA modulus (NIST SP 800-56B §6.4.2.2), proved in a fraction of its time,
/// so that a key set of many keys is read in milliseconds.
///
/// Were the modulus n a prime, or a power of a prime p, p − 1 would divide n − 1, and 2 to the power of n − 1 would be 1 modulo p
/// (Fermat). So where that power less one has an inverse modulo n, n is neither. Of a good modulus it practically always has;
/// where it has none nothing is known, and OpenSSL decides.
package enum RSAModulusProof {
    /// Whether it is proved that the modulus is composite, no power of a prime, and has no factor below 752.
    package static func succeeds(for modulus: [UInt8]) -> Bool {
        // That there is no inverse is an error to OpenSSL.
        OpenSSLErrorStack.isolated { isProved(modulus) }
    }

    private static func isProved(_ modulus: [UInt8]) -> Bool {
        guard
            let n = OpenSSLHandle(number: modulus), let exponent = OpenSSLHandle(number: modulus),
            let power = OpenSSLHandle(number: []),
            let temporary = OpenSSLHandle.temporaryNumbers(),
            modulus.last.map({ $0 & 1 == 1 }) == true,
            smallPrimes.allSatisfy({ unsafe BN_mod_word(n.pointer, $0) != 0 })
        else { return false }
        return unsafe BN_sub_word(exponent.pointer, 1) == 1
            && BN_mod_exp_mont_word(power.pointer, 2, exponent.pointer, n.pointer, temporary.pointer, nil) == 1
            && BN_sub_word(power.pointer, 1) == 1
            && BN_mod_inverse(power.pointer, power.pointer, n.pointer, temporary.pointer) != nil
    }

    /// Odd ones, which OpenSSL looks for as well.
    private static let smallPrimes: [UInt] = stride(from: 3, to: 752, by: 2).filter { number in
        !stride(from: 3, to: 28, by: 2).contains { $0 < number && number % $0 == 0 }
    }
}
