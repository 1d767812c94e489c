// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// A token that passed every check: the only type that authorization decisions are made with.
///
/// It has no public initialiser; a ``RequestGuard`` makes it. It prints as its fingerprint.
public struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What was verified once and does not change, shared by all who hold the token.
    private let verified: VerifiedToken
    /// Whether the keys were past their life: the issuer cannot be reached, or the first request after a quiet time came
    /// before the refresh that it started.
    public let usesStaleKeys: Bool
    /// Time since the issuer last confirmed the keys; zero for keys of the configuration.
    public let keyAge: Duration

    package init(_ verified: VerifiedToken, usesStaleKeys: Bool = false, keyAge: Duration = .zero) {
        self.verified = verified
        self.usesStaleKeys = usesStaleKeys
        self.keyAge = keyAge
    }

    /// The verified claims.
    public var claims: Claims { verified.claims }
    /// The configured name of the issuer, for logs and metrics.
    public var issuerAlias: String { verified.issuerAlias }
    /// The algorithm that was verified.
    public var algorithm: SignatureAlgorithm { verified.algorithm }
    /// `kid` of the key that verified it, as the key set names it.
    public var keyID: String? { verified.key.keyID }
    /// RFC 7638 thumbprint of that key; nil for a shared secret.
    public var keyThumbprint: String? { verified.key.thumbprint }
    /// A keyed hash that names this token in logs; made when it is asked for.
    public var fingerprint: TokenFingerprint { verified.fingerprint }
    /// Roles and groups at the paths that the issuer's policy names.
    public var roles: [String] { verified.roles }
    /// `iss`.
    public var issuer: String { claims.issuer ?? "" }
    /// `sub`.
    public var subject: String? { claims.subject }
    /// The granted scopes.
    public var scopes: Scopes { verified.scopes }
    /// Whether `scope` was granted: quicker than looking for it in ``scopes``.
    public func grants(_ scope: String) -> Bool { verified.grants(scope) }

    /// The client that the token was issued to.
    public var clientID: String? { claims.clientID }

    /// The fingerprint, not the token.
    public var description: String { "AccessToken(\(fingerprint))" }
    /// The fingerprint, not the token.
    public var debugDescription: String { description }
    /// Shows the fingerprint alone, so that `dump` shows no claim.
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint.text]) }
}

/// What is known of a token once every check has passed.
package final class VerifiedToken: Sendable {
    let claims: Claims
    let issuerAlias: String
    let algorithm: SignatureAlgorithm
    let key: VerificationKey
    private let bytes: ArraySlice<UInt8>
    private let fingerprintKey: TokenFingerprint.Key
    private let rolePaths: [ClaimPath]
    private let madeRoles = Mutex<[String]?>(nil)
    private let madeScopes = Mutex<Scopes?>(nil)
    /// Made at once where the token will be asked again and again.
    private let knownScopes: Scopes?

    init(
        claims: Claims,
        rolePaths: [ClaimPath],
        issuerAlias: String,
        algorithm: SignatureAlgorithm,
        key: VerificationKey,
        bytes: ArraySlice<UInt8>,
        fingerprintKey: TokenFingerprint.Key,
        isKept: Bool
    ) {
        self.claims = claims
        self.knownScopes = isKept ? Scopes(readable: claims.object) : nil
        self.rolePaths = rolePaths
        self.issuerAlias = issuerAlias
        self.algorithm = algorithm
        self.key = key
        self.bytes = bytes
        self.fingerprintKey = fingerprintKey
    }

    /// Read when first asked for, as are the scopes: most routes ask for one scope.
    var roles: [String] { Self.once(madeRoles) { claims.texts(at: rolePaths) } }

    var scopes: Scopes { knownScopes ?? Self.once(madeScopes) { Scopes(readable: claims.object) } }

    func grants(_ scope: String) -> Bool {
        if let knownScopes { return knownScopes.contains(scope) }
        return Scopes.grant(scope, in: claims.object) ?? scopes.contains(scope)
    }

    private static func once<Value: Sendable>(
        _ made: borrowing Mutex<Value?>,
        _ make: () -> Value
    ) -> Value {
        made.withLock { made in
            if let made { return made }
            let value = make()
            made = value
            return value
        }
    }

    var fingerprint: TokenFingerprint { fingerprintKey.fingerprint(of: bytes) }
}
