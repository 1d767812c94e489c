// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// Proof keys for code exchange (RFC 7636).
package enum ProofKey {
    /// Whether a verifier has the shape of one: 43 to 128 unreserved characters.
    private static func isWellFormed(_ verifier: String) -> Bool {
        (43...128).contains(verifier.utf8.count) && verifier.utf8.allSatisfy(PercentEncoding.isUnreserved)
    }

    /// Whether a challenge is a SHA-256 in base64url.
    static func isChallenge(_ text: String) -> Bool { Base64URL.decode(Array(text.utf8))?.count == 32 }

    /// The challenge of a verifier by the method S256.
    package static func challenge(of verifier: String) -> String { Base64URL.encode(SHA256.hash(verifier.utf8)) }

    static func matches(_ verifier: String, _ challenge: String) -> Bool {
        isWellFormed(verifier) && ConstantTime.areEqual(Array(Self.challenge(of: verifier).utf8), Array(challenge.utf8))
    }
}
#endif
