// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A token that passed every check.
///
/// Only BearerGuard can make one, so a function that takes an `AccessToken` cannot be called with anything less.
///
/// It holds what was verified and not the token itself, and prints as its fingerprint.
public struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The verified claims.
    public let claims: Claims
    /// The configured name of the issuer, for logs and metrics.
    public let issuerAlias: String
    /// The algorithm that was verified.
    public let algorithm: SignatureAlgorithm
    /// `kid` of the key that verified it, as the key set names it.
    public let keyID: String?
    /// RFC 7638 thumbprint of that key; nil for a shared secret.
    public let keyThumbprint: String?
    /// A keyed hash that names this token in logs.
    public let fingerprint: TokenFingerprint
    /// Whether the keys were older than their life because the issuer could not be reached.
    public let usesStaleKeys: Bool
    /// Time since the issuer last confirmed the keys; zero for keys of the configuration.
    public let keyAge: Duration
    /// Roles and groups at the paths that the issuer's policy names.
    public let roles: [String]

    init(
        claims: Claims,
        issuerAlias: String,
        algorithm: SignatureAlgorithm,
        key: VerificationKey,
        fingerprint: TokenFingerprint,
        usesStaleKeys: Bool,
        keyAge: Duration,
        roles: [String]
    ) {
        self.claims = claims
        self.issuerAlias = issuerAlias
        self.algorithm = algorithm
        self.keyID = key.keyID
        self.keyThumbprint = key.thumbprint
        self.fingerprint = fingerprint
        self.usesStaleKeys = usesStaleKeys
        self.keyAge = keyAge
        self.roles = roles
    }

    /// `iss`.
    public var issuer: String { claims.issuer ?? "" }
    /// `sub`.
    public var subject: String? { claims.subject }
    /// The granted scopes.
    public var scopes: Scopes { claims.scopes }
    /// The client that the token was issued to.
    public var clientID: String? { claims.clientID }

    /// The fingerprint, not the token.
    public var description: String { "AccessToken(\(fingerprint))" }
    /// The fingerprint, not the token.
    public var debugDescription: String { description }
    /// Shows the fingerprint alone, so that `dump` shows no claim.
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint.text]) }
}
