// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One issuer that a guard trusts: its rules and its keys.
///
/// Issuers share nothing with each other.
public struct TrustedIssuer: Sendable {
    /// The name in events, logs and metrics; fixed by configuration.
    public let alias: String
    /// What must hold of its tokens.
    public let policy: ValidationPolicy
    /// Where its keys come from.
    public let keys: any KeySource

    /// Binds keys to an issuer.
    ///
    /// - Parameters:
    ///   - policy: what must hold of its tokens.
    ///   - keys: where its keys come from.
    ///   - alias: its name in events; the issuer itself unless given.
    /// - Throws: ``ConfigurationError`` when HMAC algorithms are allowed without a local secret, or no key can serve any
    ///   of the algorithms.
    public init(
        policy: ValidationPolicy,
        keys: any KeySource,
        alias: String? = nil
    ) throws(ConfigurationError) {
        let allowsSecrets = policy.algorithms.contains(where: \.isSymmetric)
        if let keys = keys as? any LocalKeySource {
            guard keys.localSnapshot.keys.contains(where: { !$0.algorithms.isDisjoint(with: policy.algorithms) }) else {
                throw ConfigurationError("none of the keys serves any of the allowed algorithms")
            }
        } else if allowsSecrets {
            throw ConfigurationError(
                "HS256, HS384 and HS512 need a secret in local configuration, never a fetched key set"
            )
        }
        self.alias = (alias ?? policy.issuer).escapedForLogs
        self.policy = policy
        self.keys = keys
    }

    /// Binds keys without the checks of the public initialiser, which test vectors would fail by design.
    package init(uncheckedPolicy policy: ValidationPolicy, keys: any KeySource, alias: String) {
        self.alias = alias
        self.policy = policy
        self.keys = keys
    }
}
