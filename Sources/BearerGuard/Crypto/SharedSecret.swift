// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// A secret that signer and verifier share, for HS256, HS384 and HS512 (RFC 7518 §3.2).
///
/// It prints as nothing, and only local configuration can make one.
public struct SharedSecret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    package let bytes: [UInt8]

    /// Takes the secret's bytes; nil for fewer than 32 of them.
    ///
    /// RFC 7518 §3.2 demands at least the length of the hash, so HS384 and HS512 need more, which is checked where the
    /// algorithm is known.
    public init?(_ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count >= 32 else { return nil }
        self.bytes = bytes
    }

    /// A verifier for `algorithm`; throws where the secret is shorter than the hash.
    package func verifier(for algorithm: SignatureAlgorithm) throws(KeyFault) -> SignatureVerifier {
        guard let digest = algorithm.digest, algorithm.isSymmetric else { throw .unfit("not an HMAC algorithm") }
        guard bytes.count >= digest.byteCount else { throw .weak("HMAC secret shorter than its hash") }
        guard let verifier = SignatureVerifier(algorithm: algorithm, secret: self) else {
            throw .invalid("OpenSSL offers no HMAC")
        }
        return verifier
    }

    /// Says that there is a secret, not which.
    public var description: String { "SharedSecret" }
    /// Says that there is a secret, not which.
    public var debugDescription: String { description }
    /// Has no children, so that `dump` shows no byte.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
