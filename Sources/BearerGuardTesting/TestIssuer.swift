// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import Synchronization

/// An authorization server in memory: mints any token, good or bad, and publishes its keys.
///
/// ```swift
/// let issuer = try TestIssuer()
/// let guarding = try issuer.makeGuard()
/// let decision = await guarding.authorize(.init(authorization: "Bearer \(issuer.token(scopes: ["read"]))"))
/// ```
public final class TestIssuer: Sendable {
    /// `iss` of its tokens.
    public let issuer: String
    /// `aud` of its tokens.
    public let audience: String
    private let clock: WallClock
    private let keys: Mutex<[SigningKey]>
    /// How many keys each algorithm has had: the name of a withdrawn one is never another's.
    private let issued: Mutex<[SignatureAlgorithm: Int]>

    /// An issuer with one key for each algorithm.
    ///
    /// - Parameters:
    ///   - issuer: `iss` of its tokens.
    ///   - audience: `aud` of its tokens.
    ///   - algorithms: what it has keys for; the first signs unless told otherwise.
    ///   - clock: the time that tokens are issued at.
    /// - Throws: ``TestKeyError`` when OpenSSL offers no such key.
    public init(
        issuer: String = "https://issuer.test",
        audience: String = "https://api.test",
        algorithms: [SignatureAlgorithm] = [.es256],
        clock: WallClock = .system
    ) throws(TestKeyError) {
        self.issuer = issuer
        self.audience = audience
        self.clock = clock
        var keys: [SigningKey] = []
        for algorithm in algorithms { keys.append(try SigningKey(algorithm, keyID: "\(algorithm.rawValue)-1")) }
        self.keys = Mutex(keys)
        issued = Mutex(Dictionary(algorithms.map { ($0, 1) }) { $1 })
    }

    /// Adds a new key for `algorithm` that signs from now on; the old one stays published.
    @discardableResult
    public func rotate(_ algorithm: SignatureAlgorithm, keyID: String? = nil) throws(TestKeyError) -> SigningKey {
        let number = issued.withLock { issued in
            issued[algorithm, default: 0] += 1
            return issued[algorithm, default: 1]
        }
        let key = try SigningKey(algorithm, keyID: keyID ?? "\(algorithm.rawValue)-\(number)")
        keys.withLock { $0.insert(key, at: 0) }
        return key
    }

    /// Publishes `key` in place of every key for `algorithm`: a rotation without an overlap.
    public func replace(_ algorithm: SignatureAlgorithm, by key: SigningKey) {
        keys.withLock { keys in
            keys.removeAll { $0.algorithm == algorithm }
            keys.append(key)
        }
    }

    /// Withdraws a key: it is published no more.
    public func withdraw(keyID: String) {
        keys.withLock { $0.removeAll { $0.keyID == keyID } }
    }

    /// The published keys for `algorithm`, the one that signs first.
    public func keys(_ algorithm: SignatureAlgorithm) -> [SigningKey] {
        keys.withLock { $0.filter { $0.algorithm == algorithm } }
    }

    /// The key that signs with `algorithm`, or the first of all.
    public func signingKey(_ algorithm: SignatureAlgorithm? = nil) -> SigningKey? {
        keys.withLock { keys in algorithm.map { algorithm in keys.first { $0.algorithm == algorithm } } ?? keys.first }
    }

    /// The published key set: every public key, and never a secret.
    public var keySet: String {
        let published = keys.withLock { $0.filter { !$0.algorithm.isSymmetric }.map(\.jwk) }
        return (["keys": .array(published)] as JSONValue).text
    }

    /// The OpenID Connect discovery document.
    public func metadata(jwksURL: String) -> String {
        let document: JSONValue = [
            "issuer": .string(issuer),
            "jwks_uri": .string(jwksURL),
            "token_endpoint": .string(issuer + "/token"),
            "response_types_supported": ["code"],
        ]
        return document.text
    }

    /// The claims of a good access token of this moment (RFC 9068 §2.2).
    ///
    /// - Parameters:
    ///   - scopes: what it grants.
    ///   - lifetime: seconds from now to `exp`; negative for an expired one.
    public func claims(scopes: [String] = [], lifetime: Int64 = 300) -> [String: JSONValue] {
        let now = clock.now()
        // Issued a second ago, or before it ended; any lifetime is possible on purpose.
        let issued = now.advanced(by: min(0, lifetime)).advanced(by: -1).seconds
        return [
            "iss": .string(issuer), "aud": .string(audience), "sub": "user-1", "client_id": "client-1",
            "iat": .integer(issued), "exp": .integer(now.advanced(by: lifetime).seconds),
            "jti": .string(String(UInt64.random(in: .min ... .max), radix: 16)),
            "scope": .string(scopes.joined(separator: " ")),
        ]
    }

    /// Mints a token.
    ///
    /// - Parameters:
    ///   - scopes: what it grants.
    ///   - lifetime: seconds from now to `exp`; negative for an expired one.
    ///   - changes: claims to set, or with a nil value to leave out.
    ///   - header: header members to set, or with a nil value to leave out.
    ///   - algorithm: whose key signs; the first one unless given.
    ///   - key: a key to sign with in place of the issuer's.
    public func token(
        scopes: [String] = [],
        lifetime: Int64 = 300,
        changes: [String: JSONValue?] = [:],
        header: [String: JSONValue?] = [:],
        algorithm: SignatureAlgorithm? = nil,
        signedBy key: SigningKey? = nil
    ) -> String {
        guard let key = key ?? signingKey(algorithm) else { return "" }
        var members: [String: JSONValue] = ["alg": .string((algorithm ?? key.algorithm).rawValue), "typ": "at+jwt"]
        if let keyID = key.keyID { members["kid"] = .string(keyID) }
        for (name, value) in header { members[name] = value }
        let claims = self.claims(scopes, changes, lifetime: lifetime)
        return Self.sign(header: .object(members), claims: .object(claims), with: key)
    }

    private func claims(
        _ scopes: [String],
        _ changes: [String: JSONValue?],
        lifetime: Int64 = 300
    ) -> [String: JSONValue] {
        var claims = claims(scopes: scopes, lifetime: lifetime)
        for (name, value) in changes { claims[name] = value }
        return claims
    }

    /// Signs any header and any claims, sensible or not.
    public static func sign(header: JSONValue, claims: JSONValue, with key: SigningKey) -> String {
        let input = signingInput(header, claims)
        return input + "." + Base64URL.encode(key.sign(Array(input.utf8)))
    }

    private static func signingInput(_ header: JSONValue, _ claims: JSONValue) -> String {
        Base64URL.encode(header.text.utf8) + "." + Base64URL.encode(claims.text.utf8)
    }

    /// A token with one flaw, for tests of refusal.
    ///
    /// - Parameters:
    ///   - flaw: what is wrong with it.
    ///   - scopes: what it grants.
    ///   - changes: claims to set, or with a nil value to leave out; those that make the flaw come after them.
    ///   - header: header members to set, or with a nil value to leave out.
    public func token(
        with flaw: Flaw,
        scopes: [String] = [],
        changes: [String: JSONValue?] = [:],
        header: [String: JSONValue?] = [:]
    ) -> String {
        func mint(_ flawed: [String: JSONValue?], lifetime: Int64 = 300, signedBy key: SigningKey? = nil) -> String {
            let changes = changes.merging(flawed) { $1 }
            return token(scopes: scopes, lifetime: lifetime, changes: changes, header: header, signedBy: key)
        }
        switch flaw {
        case .expired: return mint([:], lifetime: -3600)
        case .notYetValid: return mint(["nbf": .integer(clock.now().seconds + 3600)])
        case .wrongIssuer: return mint(["iss": "https://somebody-else.test"])
        case .wrongAudience: return mint(["aud": "https://another-api.test", "client_id": "another-client"])
        case .idToken:
            return token(
                changes: changes.merging(
                    ["nonce": "n-1", "at_hash": "hash", "scope": nil, "scp": nil, "client_id": nil]
                ) { $1 },
                header: ["typ": "JWT"]
            )
        case .algorithmNone:
            let header: JSONValue = ["alg": "none", "typ": "at+jwt"]
            return Self.signingInput(header, .object(self.claims(scopes, changes))) + "."
        case .forgedKey:
            guard let own = signingKey(), let forger = try? SigningKey(own.algorithm, keyID: own.keyID) else {
                return ""
            }
            return mint([:], signedBy: forger)
        case .publicKeyAsSecret:
            guard let own = keys.withLock({ $0.first { !$0.algorithm.isSymmetric } }),
                let secret = SharedSecret(own.publicPEM.utf8), let hmac = try? secret.verifier(for: .hs256)
            else { return "" }
            let header: JSONValue = ["alg": "HS256", "typ": "at+jwt", "kid": .string(own.keyID ?? "")]
            let input = Self.signingInput(header, .object(self.claims(scopes, changes)))
            return input + "." + Base64URL.encode(hmac.authenticationCode(of: Array(input.utf8)[...]) ?? [])
        }
    }

    /// What can be wrong with a minted token.
    public enum Flaw: String, CaseIterable, Sendable {
        /// Ended an hour ago.
        case expired
        /// Begins in an hour.
        case notYetValid
        /// Names another issuer.
        case wrongIssuer
        /// Is for another API.
        case wrongAudience
        /// Is an ID token.
        case idToken
        /// Has `alg` none and no signature.
        case algorithmNone
        /// Is signed by another key under the issuer's `kid`.
        case forgedKey
        /// Is an HMAC with the public key as its secret.
        case publicKeyAsSecret
    }

    /// A policy that takes the issuer's tokens.
    public func policy() throws(ConfigurationError) -> ValidationPolicy {
        let algorithms = Set(keys.withLock { $0.map(\.algorithm) }.filter { !$0.isSymmetric })
        return try ValidationPolicy(issuer: issuer, audience: [audience], algorithms: algorithms)
    }

    /// A guard that takes the issuer's tokens by the keys of this moment.
    public func makeGuard(observer: (any GuardObserver)? = nil) throws(ConfigurationError) -> RequestGuard {
        let set = try JWKSet(keySet.utf8)
        let trusted = try TrustedIssuer(policy: try policy(), keys: try StaticKeys(set), alias: "test")
        return try RequestGuard(issuers: [trusted], clock: clock, observer: observer)
    }
}
