// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What a key is, which settles the algorithms that it may be used with.
package enum KeyType: Hashable, Sendable {
    case rsa
    case ec(EllipticCurve)
    case edwards(EdwardsCurve)
    case secret
}

/// The curves of JWK `crv` for `kty` EC (RFC 7518 §6.2.1.1, RFC 8812 §3.1).
package enum EllipticCurve: String, CaseIterable, Sendable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"
    case secp256k1 = "secp256k1"

    /// Bytes of one coordinate, and of each half of a signature.
    package var coordinateBytes: Int {
        switch self {
        case .p256, .secp256k1: 32
        case .p384: 48
        case .p521: 66
        }
    }

    package var bits: Int {
        switch self {
        case .p256, .secp256k1: 256
        case .p384: 384
        case .p521: 521
        }
    }
}

/// The signature curves of JWK `crv` for `kty` OKP (RFC 8037 §2).
package enum EdwardsCurve: String, CaseIterable, Sendable {
    case ed25519 = "Ed25519"
    case ed448 = "Ed448"

    package var publicKeyBytes: Int { self == .ed25519 ? 32 : 57 }
    package var signatureBytes: Int { self == .ed25519 ? 64 : 114 }
    package var bits: Int { self == .ed25519 ? 256 : 448 }
}

/// The numbers of a public key, big-endian, before anything has been checked.
package enum PublicKeyComponents: Hashable, Sendable {
    case rsa(modulus: [UInt8], exponent: [UInt8])
    case ec(EllipticCurve, x: [UInt8], y: [UInt8])
    case edwards(EdwardsCurve, x: [UInt8])

    package var type: KeyType {
        switch self {
        case .rsa: .rsa
        case .ec(let curve, _, _): .ec(curve)
        case .edwards(let curve, _): .edwards(curve)
        }
    }

    /// Size of the key in bits, as people compare keys.
    package var bits: Int {
        switch self {
        case .rsa(let modulus, _): modulus.bitWidth
        case .ec(let curve, _, _): curve.bits
        case .edwards(let curve, _): curve.bits
        }
    }
}

extension [UInt8] {
    /// Bits of the big-endian number, leading zeros not counted.
    package var bitWidth: Int {
        guard let first = firstIndex(where: { $0 != 0 }) else { return 0 }
        return (count - first) * 8 - self[first].leadingZeroBitCount
    }
}
