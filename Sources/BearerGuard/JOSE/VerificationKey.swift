// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A key ready to verify: its identity, and one prepared verifier for each algorithm that it may be used with.
package final class VerificationKey: Sendable {
    /// `kid`, as the set gave it.
    package let keyID: String?
    package let type: KeyType
    /// Size in bits.
    package let bits: Int
    /// RFC 7638 thumbprint; nil for a shared secret, of which nothing is shown.
    package let thumbprint: String?
    /// `issuer` as the set gave it, which Entra adds to its keys.
    package let issuer: String?
    /// `alg` as the set gave it.
    package let declaredAlgorithm: SignatureAlgorithm?
    /// One for each algorithm; the first stands alone, as what is taken out of an array has its references counted.
    private let first: SignatureVerifier
    private let others: [SignatureVerifier]

    /// The algorithms of tokens that the key may verify.
    package var algorithms: Set<SignatureAlgorithm> { Set(([first] + others).map(\.algorithm)) }

    /// Builds a public key; with `algorithm` it serves that one alone.
    package init(
        _ components: PublicKeyComponents,
        keyID: String?,
        algorithm: SignatureAlgorithm? = nil,
        issuer: String? = nil
    ) throws(KeyFault) {
        if let algorithm, !algorithm.fits(components.type) { throw .unfit("alg does not fit the key's type or curve") }
        let key = try PublicKey(components)
        let usable = SignatureAlgorithm.allCases.filter { $0.isUsable(by: algorithm) }
        let verifiers = usable.compactMap { key.verifier(for: $0) }
        guard let first = verifiers.first else { throw .invalid("OpenSSL offers no algorithm for the key") }
        self.keyID = keyID
        self.type = components.type
        self.bits = components.bits
        self.thumbprint = JWKThumbprint.sha256(components)
        self.issuer = issuer
        self.declaredAlgorithm = algorithm
        self.first = first
        others = Array(verifiers.dropFirst())
    }

    /// Builds a shared secret; without `algorithm` it serves every HMAC that it is long enough for.
    package init(
        _ secret: SharedSecret,
        keyID: String?,
        algorithm: SignatureAlgorithm? = nil
    ) throws(KeyFault) {
        let verifiers: [SignatureVerifier]
        if let algorithm {
            verifiers = [try secret.verifier(for: algorithm)]
        } else {
            verifiers = SignatureAlgorithm.allCases.filter(\.isSymmetric).compactMap { try? secret.verifier(for: $0) }
        }
        guard let first = verifiers.first else { throw .weak("HMAC secret shorter than its hash") }
        self.keyID = keyID
        self.type = .secret
        self.bits = secret.bytes.count * 8
        self.thumbprint = nil
        self.issuer = nil
        self.declaredAlgorithm = algorithm
        self.first = first
        others = Array(verifiers.dropFirst())
    }

    private init(copying other: VerificationKey) {
        keyID = other.keyID?.copy
        type = other.type
        bits = other.bits
        thumbprint = other.thumbprint
        issuer = other.issuer
        declaredAlgorithm = other.declaredAlgorithm
        first = other.first
        others = other.others
    }

    /// The same with the same verifiers: threads that judge by it meet at no reference count of the key.
    var copy: VerificationKey { VerificationKey(copying: self) }

    /// The prepared verifier, or nil where the key must not be used with `algorithm`.
    package func verifier(for algorithm: SignatureAlgorithm) -> SignatureVerifier? {
        first.algorithm == algorithm ? first : others.first { $0.algorithm == algorithm }
    }

    /// Whether the key may be used with `algorithm`.
    func serves(_ algorithm: SignatureAlgorithm) -> Bool {
        first.algorithm == algorithm || others.contains { $0.algorithm == algorithm }
    }

    /// Whether the signature of `jws` is the key's by `algorithm`; false where it must not be used with that.
    func isSigner(of jws: CompactJWS, by algorithm: SignatureAlgorithm) -> Bool {
        // Where it lies: what `verifier(for:)` answers has its references counted.
        if first.algorithm == algorithm { return first.isSigner(of: jws) }
        return verifier(for: algorithm)?.isSigner(of: jws) ?? false
    }
}

extension SignatureAlgorithm {
    /// Whether a key declared for `declared` may verify tokens of this algorithm.
    ///
    /// `EdDSA` and the curve's own name (RFC 9864) are one operation.
    fileprivate func isUsable(by declared: SignatureAlgorithm?) -> Bool {
        guard let declared else { return true }
        let edwards: Set<SignatureAlgorithm> = [.edDSA, .ed25519, .ed448]
        return self == declared || (edwards.contains(self) && edwards.contains(declared))
    }
}
