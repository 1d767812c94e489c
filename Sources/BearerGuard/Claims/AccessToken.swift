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
    /// What all tokens of one issuer at one guard have in common.
    package final class Setting: Sendable {
        let issuerAlias: String
        let rolePaths: [ClaimPath]
        let fingerprintKey: TokenFingerprint.Key

        package init(issuerAlias: String, rolePaths: [ClaimPath], fingerprintKey: TokenFingerprint.Key) {
            self.issuerAlias = issuerAlias
            self.rolePaths = rolePaths
            self.fingerprintKey = fingerprintKey
        }
    }

    /// What is made at once where the token will be asked again and again, and otherwise when it is asked for: most routes
    /// ask for one scope.
    private final class Lists: Sendable {
        let scopes: Scopes
        let roles: [String]
        /// Made when it is first asked for: by an observer, at every decision.
        private let fingerprint = Mutex<TokenFingerprint?>(nil)

        func fingerprint(or make: () -> TokenFingerprint) -> TokenFingerprint {
            fingerprint.withLock { known in
                let fingerprint = known ?? make()
                known = fingerprint
                return fingerprint
            }
        }

        init(_ claims: Claims, _ rolePaths: [ClaimPath]) {
            scopes = Scopes(readable: claims.object)
            roles = claims.texts(at: rolePaths)
        }
    }

    let claims: Claims
    let algorithm: SignatureAlgorithm
    let key: VerificationKey
    private let bytes: ArraySlice<UInt8>
    private let setting: Setting
    private let lists: Lists?
    /// Threads that see tokens again count references to them.
    private let distance = CacheLine()

    init(
        claims: Claims,
        algorithm: SignatureAlgorithm,
        key: VerificationKey,
        bytes: ArraySlice<UInt8>,
        setting: Setting,
        isKept: Bool
    ) {
        self.claims = claims
        self.algorithm = algorithm
        self.key = key
        self.bytes = bytes
        self.setting = setting
        lists = isKept ? Lists(claims, setting.rolePaths) : nil
    }

    var issuerAlias: String { setting.issuerAlias }
    var roles: [String] { lists?.roles ?? claims.texts(at: setting.rolePaths) }
    var scopes: Scopes { lists?.scopes ?? Scopes(readable: claims.object) }
    var fingerprint: TokenFingerprint {
        func make() -> TokenFingerprint { setting.fingerprintKey.fingerprint(of: bytes) }
        return lists?.fingerprint(or: make) ?? make()
    }

    func grants(_ scope: String) -> Bool {
        if let lists { return lists.scopes.contains(scope) }
        return Scopes.grant(scope, in: claims.object) ?? scopes.contains(scope)
    }
}
