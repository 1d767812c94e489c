// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What OpenSSL accepts as a key and a verifier must not (RFC 8725 §3.4; RFC 7518 §3.3).
package enum KeyPolicy {
    /// Smallest and largest RSA modulus in bits.
    ///
    /// Larger ones cost an attacker nothing and us seconds.
    package static let rsaBits = 2048...8192

    static func check(_ components: PublicKeyComponents) throws(KeyFault) {
        switch components {
        case .rsa(let modulus, let exponent): try checkRSA(modulus: modulus, exponent: exponent)
        case .ec(let curve, let x, let y):
            guard x.count == curve.coordinateBytes, y.count == curve.coordinateBytes else {
                throw .invalid("EC coordinate of the wrong length")
            }
            if x.allSatisfy({ $0 == 0 }), y.allSatisfy({ $0 == 0 }) { throw .invalid("EC point at infinity") }
        case .edwards(let curve, let x):
            guard x.count == curve.publicKeyBytes else { throw .invalid("\(curve.rawValue) key of the wrong length") }
            try checkEdwards(curve, x)
        }
    }

    private static func checkRSA(modulus: [UInt8], exponent: [UInt8]) throws(KeyFault) {
        guard let first = modulus.first, let last = modulus.last else { throw .invalid("RSA modulus missing") }
        guard let exponentFirst = exponent.first, let exponentLast = exponent.last else {
            throw .invalid("RSA exponent missing")
        }
        // RFC 7518 §6.3.1.1: the minimal number of octets. Two spellings of one key would have two thumbprints.
        guard first != 0 else { throw .invalid("RSA modulus with a leading zero") }
        guard modulus.bitWidth >= rsaBits.lowerBound else { throw .weak("RSA modulus under 2048 bits") }
        guard modulus.bitWidth <= rsaBits.upperBound else { throw .weak("RSA modulus over 8192 bits") }
        guard last & 1 == 1 else { throw .invalid("RSA modulus is even") }
        if exponent.bitWidth <= 1 { throw .weak("RSA exponent is 0 or 1") }
        guard exponentFirst != 0 else { throw .invalid("RSA exponent with a leading zero") }
        guard exponentLast & 1 == 1 else { throw .weak("RSA exponent is even") }
        guard exponent.bitWidth <= 64 else { throw .invalid("RSA exponent over 64 bits") }
        if ROCAFingerprint.matches(modulus) { throw .weak("RSA key from a generator with a known flaw (ROCA)") }
    }

    /// Refuses encodings that are not canonical and points of small order: under the identity key every message
    /// has a signature that anyone can write down.
    private static func checkEdwards(_ curve: EdwardsCurve, _ key: [UInt8]) throws(KeyFault) {
        var y = key
        y[y.count - 1] &= 0x7F
        switch curve {
        case .ed25519:
            guard isLess(y, ed25519Prime) else { throw .invalid("Ed25519 key not in canonical form") }
            if ed25519SmallOrder.contains(y) { throw .weak("Ed25519 key of small order") }
        case .ed448:
            guard y[56] == 0, isLess(Array(y.dropLast()), ed448Prime) else {
                throw .invalid("Ed448 key not in canonical form")
            }
            if ed448SmallOrder.contains(Array(y.dropLast())) { throw .weak("Ed448 key of small order") }
        }
    }

    /// Compares two little-endian numbers of equal length.
    private static func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        for (a, b) in zip(left.reversed(), right.reversed()) where a != b { return a < b }
        return false
    }

    /// 2^255 − 19, little-endian.
    private static let ed25519Prime: [UInt8] = [0xED] + Array(repeating: 0xFF, count: 30) + [0x7F]

    /// The y coordinates of the eight points whose order divides 8, sign bit cleared.
    private static let ed25519SmallOrder: [[UInt8]] = [
        [0x01] + Array(repeating: 0, count: 31),
        [0xEC] + Array(repeating: 0xFF, count: 30) + [0x7F],
        Array(repeating: 0, count: 32),
        [
            0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
            0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
        ],
        [
            0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
            0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
        ],
    ]

    /// 2^448 − 2^224 − 1, little-endian.
    private static let ed448Prime: [UInt8] =
        Array(repeating: 0xFF, count: 28) + [0xFE] + Array(repeating: 0xFF, count: 27)

    /// The y coordinates of the four points whose order divides 4.
    private static let ed448SmallOrder: [[UInt8]] = [
        [0x01] + Array(repeating: 0, count: 55),
        [0xFE] + Array(repeating: 0xFF, count: 27) + [0xFE] + Array(repeating: 0xFF, count: 27),
        Array(repeating: 0, count: 56),
    ]
}
