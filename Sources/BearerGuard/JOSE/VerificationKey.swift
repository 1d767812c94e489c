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
    /// By ``SignatureAlgorithm/index``.
    private let verifiers: [SignatureVerifier?]

    /// The algorithms of tokens that the key may verify.
    package var algorithms: Set<SignatureAlgorithm> { Set(verifiers.compactMap { $0?.algorithm }) }

    /// Builds a public key; with `algorithm` it serves that one alone.
    package init(
        _ components: PublicKeyComponents,
        keyID: String?,
        algorithm: SignatureAlgorithm? = nil,
        issuer: String? = nil
    ) throws(KeyFault) {
        if let algorithm, !algorithm.fits(components.type) { throw .unfit("alg does not fit the key's type or curve") }
        let key = try PublicKey(components)
        var verifiers: [SignatureAlgorithm: SignatureVerifier] = [:]
        for candidate in SignatureAlgorithm.allCases where candidate.isUsable(by: algorithm) {
            if let verifier = key.verifier(for: candidate) { verifiers[candidate] = verifier }
        }
        guard !verifiers.isEmpty else { throw .invalid("OpenSSL offers no algorithm for the key") }
        self.keyID = keyID
        self.type = components.type
        self.bits = components.bits
        self.thumbprint = JWKThumbprint.sha256(components)
        self.issuer = issuer
        self.declaredAlgorithm = algorithm
        self.verifiers = SignatureAlgorithm.allCases.map { verifiers[$0] }
    }

    /// Builds a shared secret; without `algorithm` it serves every HMAC that it is long enough for.
    package init(
        _ secret: SharedSecret,
        keyID: String?,
        algorithm: SignatureAlgorithm? = nil
    ) throws(KeyFault) {
        var verifiers: [SignatureAlgorithm: SignatureVerifier] = [:]
        if let algorithm {
            verifiers[algorithm] = try secret.verifier(for: algorithm)
        } else {
            for candidate in SignatureAlgorithm.allCases where candidate.isSymmetric {
                verifiers[candidate] = try? secret.verifier(for: candidate)
            }
        }
        guard !verifiers.isEmpty else { throw .weak("HMAC secret shorter than its hash") }
        self.keyID = keyID
        self.type = .secret
        self.bits = secret.bytes.count * 8
        self.thumbprint = nil
        self.issuer = nil
        self.declaredAlgorithm = algorithm
        self.verifiers = SignatureAlgorithm.allCases.map { verifiers[$0] }
    }

    /// The prepared verifier, or nil where the key must not be used with `algorithm`.
    package func verifier(for algorithm: SignatureAlgorithm) -> SignatureVerifier? { verifiers[algorithm.index] }
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
