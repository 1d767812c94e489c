// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The signature algorithms that BearerGuard knows: a closed list, compared exactly (RFC 7518 §3.1, RFC 8037, RFC
/// 8812, RFC 9864).
///
/// There is no `none`.
public enum SignatureAlgorithm: String, CaseIterable, Sendable, Hashable {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    case rs384 = "RS384"
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    case rs512 = "RS512"
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes.
    case ps256 = "PS256"
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes.
    case ps384 = "PS384"
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512 and a salt of 64 bytes.
    case ps512 = "PS512"
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
    /// ECDSA on P-384 with SHA-384.
    case es384 = "ES384"
    /// ECDSA on P-521 with SHA-512.
    case es512 = "ES512"
    /// ECDSA on secp256k1 with SHA-256 (RFC 8812).
    case es256k = "ES256K"
    /// Ed25519 or Ed448, as the key's curve says (RFC 8037).
    case edDSA = "EdDSA"
    /// Ed25519 by its own name (RFC 9864).
    case ed25519 = "Ed25519"
    /// Ed448 by its own name (RFC 9864).
    case ed448 = "Ed448"
    /// HMAC with SHA-256; only with a local secret.
    case hs256 = "HS256"
    /// HMAC with SHA-384; only with a local secret.
    case hs384 = "HS384"
    /// HMAC with SHA-512; only with a local secret.
    case hs512 = "HS512"

    /// A number of its own from 0 on, for tables.
    var index: Int {
        switch self {
        case .rs256: 0
        case .rs384: 1
        case .rs512: 2
        case .ps256: 3
        case .ps384: 4
        case .ps512: 5
        case .es256: 6
        case .es384: 7
        case .es512: 8
        case .es256k: 9
        case .edDSA: 10
        case .ed25519: 11
        case .ed448: 12
        case .hs256: 13
        case .hs384: 14
        case .hs512: 15
        }
    }

    /// Whether signer and verifier share one secret, which a fetched key set must never supply.
    public var isSymmetric: Bool { self == .hs256 || self == .hs384 || self == .hs512 }

    /// What can be done with a key of `type`; a key decides this, never a token (RFC 8725 §3.1).
    package func fits(_ type: KeyType) -> Bool {
        switch self {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: type == .rsa
        case .es256: type == .ec(.p256)
        case .es384: type == .ec(.p384)
        case .es512: type == .ec(.p521)
        case .es256k: type == .ec(.secp256k1)
        case .edDSA: type == .edwards(.ed25519) || type == .edwards(.ed448)
        case .ed25519: type == .edwards(.ed25519)
        case .ed448: type == .edwards(.ed448)
        case .hs256, .hs384, .hs512: type == .secret
        }
    }

    /// The digest over the signing input; Edwards curves hash inside.
    var digest: Digest? {
        switch self {
        case .rs256, .ps256, .es256, .es256k, .hs256: .sha256
        case .rs384, .ps384, .es384, .hs384: .sha384
        case .rs512, .ps512, .es512, .hs512: .sha512
        case .edDSA, .ed25519, .ed448: nil
        }
    }

    var usesPSS: Bool { self == .ps256 || self == .ps384 || self == .ps512 }
}

extension Set where Element == SignatureAlgorithm {
    /// A sound choice where the issuer is free: RS256, PS256, ES256, ES384, EdDSA and Ed25519.
    public static var recommended: Set<SignatureAlgorithm> { [.rs256, .ps256, .es256, .es384, .edDSA, .ed25519] }
    /// What Okta signs with: RS256.
    public static var okta: Set<SignatureAlgorithm> { [.rs256] }
    /// Every algorithm that needs no shared secret.
    public static var asymmetric: Set<SignatureAlgorithm> {
        Set(SignatureAlgorithm.allCases.filter { !$0.isSymmetric })
    }
}

/// A set of algorithms that every token is held against.
struct AllowedAlgorithms: Sendable {
    private let bits: UInt32

    init(_ algorithms: some Sequence<SignatureAlgorithm>) {
        bits = algorithms.reduce(0) { $0 | 1 << UInt32($1.index) }
    }

    func contains(_ algorithm: SignatureAlgorithm) -> Bool { bits >> UInt32(algorithm.index) & 1 == 1 }
}
