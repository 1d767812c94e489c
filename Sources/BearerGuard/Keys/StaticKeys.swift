// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Keys that the operator gave: a key set, PEM texts, or a shared secret.
///
/// They change with the configuration alone.
public final class StaticKeys: KeySource, LocalKeySource {
    package let snapshot: KeySnapshot

    package init(_ snapshot: KeySnapshot) {
        self.snapshot = snapshot
    }

    /// Keys of a JWK Set.
    ///
    /// - Throws: ``ConfigurationError`` when no entry can be used; the message names the first reason.
    public convenience init(_ set: JWKSet) throws(ConfigurationError) {
        let snapshot = KeySnapshot(set)
        guard !snapshot.keys.isEmpty else {
            let reason = snapshot.faults.first.map { ": \($0.fault.detail)" } ?? ""
            throw ConfigurationError("the key set has no key that can be used\(reason)")
        }
        self.init(snapshot)
    }

    /// One public key in PEM: a `PUBLIC KEY` or a `CERTIFICATE`.
    ///
    /// - Parameters:
    ///   - pem: the text.
    ///   - keyID: the `kid` that tokens name it by; nil where tokens name none.
    ///   - algorithm: the one algorithm it is used with.
    /// - Throws: ``ConfigurationError`` when the key cannot be read, is weak, or does not fit the algorithm.
    public convenience init(pem: String, keyID: String?, algorithm: SignatureAlgorithm) throws(ConfigurationError) {
        do throws(KeyFault) {
            let components = try PublicKeyComponents(pem: pem)
            self.init(KeySnapshot(keys: [try VerificationKey(components, keyID: keyID, algorithm: algorithm)]))
        } catch {
            throw ConfigurationError("the PEM key cannot be used: \(error.detail)")
        }
    }

    /// A secret shared with one issuer, for HS256, HS384 or HS512.
    ///
    /// - Throws: ``ConfigurationError`` when the secret is shorter than the hash or the algorithm is not an HMAC.
    public convenience init(
        secret: SharedSecret,
        keyID: String?,
        algorithm: SignatureAlgorithm
    ) throws(ConfigurationError) {
        do throws(KeyFault) {
            self.init(KeySnapshot(keys: [try VerificationKey(secret, keyID: keyID, algorithm: algorithm)]))
        } catch {
            throw ConfigurationError("the shared secret cannot be used: \(error.detail)")
        }
    }

    /// The keys, always fresh.
    public func current() -> KeyAvailability { .fresh(snapshot, age: .zero) }

    /// Nothing can be refreshed: an unknown key is unknown.
    public func resolve(missing keyID: String?) async -> KeyResolution { .unknown }

    package var localSnapshot: KeySnapshot { snapshot }
}

/// Keys that the operator keeps: alone they may be shared secrets.
package protocol LocalKeySource: KeySource {
    /// The keys at this moment, for checks when a guard is built.
    var localSnapshot: KeySnapshot { get }
}

/// Stands for keys that would have to be fetched, in a program that must not: an offline audit.
package struct OfflineKeys: KeySource {
    package init() {}

    package func current() -> KeyAvailability { .unavailable(.init(cause: .offline, retryAfter: 1)) }

    package func resolve(missing keyID: String?) async -> KeyResolution {
        .unavailable(.init(cause: .offline, retryAfter: 1))
    }
}
