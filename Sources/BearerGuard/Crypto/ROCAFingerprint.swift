// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Recognises RSA moduli of the flawed Infineon generator (CVE-2017-15361), whose primes are k·M + 65537^a mod M:
/// such a modulus is a power of 65537 modulo every small prime, an ordinary one almost never.
enum ROCAFingerprint {
    /// The primes modulo which 65537 generates a true subgroup, so that they tell something.
    private static let residues: [(prime: Int, isPower: [Bool])] = [
        11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ].map { prime in
        var isPower = [Bool](repeating: false, count: prime)
        var power = 1
        while !isPower[power] {
            isPower[power] = true
            power = power * 65537 % prime
        }
        return (prime, isPower)
    }

    static func matches(_ modulus: [UInt8]) -> Bool {
        residues.allSatisfy { prime, isPower in isPower[modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }] }
    }
}
