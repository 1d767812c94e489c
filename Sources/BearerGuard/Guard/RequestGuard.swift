// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// Decides whether a request may pass: the door of the library.
///
/// ```swift
/// let keys = try RemoteKeys(discovering: "https://idp.example/", fetcher: fetcher)
/// let policy = try ValidationPolicy(
///     issuer: "https://idp.example/", audience: ["https://api.example"], algorithms: .recommended)
/// let guarding = try RequestGuard(issuers: [TrustedIssuer(policy: policy, keys: keys)])
/// switch await guarding.authorize(credentials, requiring: .scopes("orders:read")) { … }
/// ```
public final class RequestGuard: Sendable {
    /// An issuer and what judges its tokens: one reference on the way of every request.
    final class Trusted: Sendable {
        let issuer: TrustedIssuer
        let keys: any KeySource
        let validator: TokenValidator
        let setting: VerifiedToken.Setting
        /// `iss` of its tokens, or their template.
        let name: String
        /// The keys of a source that never changes: then nobody need be asked for them.
        let fixedKeys: ObjectIdentifier?
        /// Whether the policy has checks that must be made again on a token seen before.
        let hasOwnChecks: Bool
        /// The newest set of keys that a token was remembered with.
        private let generation = Atomic<UInt64>(0)

        init(_ issuer: TrustedIssuer, _ fingerprintKey: TokenFingerprint.Key) {
            self.issuer = issuer
            keys = issuer.keys
            name = issuer.policy.issuer
            setting = VerifiedToken.Setting(
                issuerAlias: issuer.alias,
                rolePaths: issuer.policy.rolePaths,
                fingerprintKey: fingerprintKey
            )
            fixedKeys = (issuer.keys as? StaticKeys).map { ObjectIdentifier($0.snapshot) }
            validator = TokenValidator(policy: issuer.policy, binding: .bearer)
            hasOwnChecks = !issuer.policy.checks.isEmpty
        }

        /// Whether keys are newer than all before, which is then noted.
        func isNewer(_ generation: UInt64) -> Bool {
            guard generation > self.generation.load(ordering: .relaxed) else { return false }
            return self.generation.max(generation, ordering: .relaxed).oldValue < generation
        }

        func passesOwnChecks(_ claims: Claims) -> Bool {
            issuer.policy.checks.allSatisfy { $0.isSatisfied(claims) }
        }
    }

    let issuers: [ExactString: Trusted]
    /// Those of `issuers` that stand for many tenants.
    let templates: [Trusted]
    /// The one issuer, where there is one, which is the case of most guards.
    let only: Trusted?
    /// What any issuer takes.
    let algorithms: AllowedAlgorithms
    let knownHeaders = KnownHeaders()
    let realm: String
    /// What clients may learn of the API; named in every challenge.
    public let protectedResource: ProtectedResource?
    let clock: WallClock
    let observer: (any GuardObserver)?
    let fingerprintKey: TokenFingerprint.Key
    let cache: VerifiedTokenCache
    let isRevoked: (@Sendable (AccessToken) -> Bool)?
    /// What a token seen before asks of the members above, without touching what threads would meet at.
    let isCaching: Bool
    let isObserved: Bool
    let hasDenylist: Bool

    /// A guard for the tokens of these issuers and of nobody else.
    ///
    /// - Parameters:
    ///   - issuers: at least one, each with an issuer identifier of its own.
    ///   - realm: the protection space named in challenges; printable ASCII without `"` and `\`.
    ///   - protectedResource: what clients may learn of the API (RFC 9728); its address is in every challenge.
    ///   - tokenCache: how many verified tokens to remember.
    ///   - isRevoked: a denylist of your own, asked about every valid token, remembered or not; must be quick.
    ///   - clock: the time of day.
    ///   - observer: hears of every decision.
    ///   - fingerprintKey: what tokens are named with in events; of this process alone unless given.
    /// - Throws: ``ConfigurationError`` when there is no issuer, two have the same identifier, or the realm cannot stand
    ///   in a header.
    @inline(never)  // Or its code would be in the program twice.
    public init(
        issuers: [TrustedIssuer],
        realm: String = "api",
        protectedResource: ProtectedResource? = nil,
        tokenCache: TokenCacheLimits = .standard,
        isRevoked: (@Sendable (AccessToken) -> Bool)? = nil,
        clock: WallClock = .system,
        observer: (any GuardObserver)? = nil,
        fingerprintKey: TokenFingerprint.Key = .random()
    ) throws(ConfigurationError) {
        guard !issuers.isEmpty else { throw ConfigurationError("a guard needs at least one trusted issuer") }
        guard Challenge.isQuotable(realm) else {
            throw ConfigurationError("realm must be printable ASCII without quotes and backslashes")
        }
        var byIssuer: [ExactString: Trusted] = [:]
        for issuer in issuers {
            let trusted = Trusted(issuer, fingerprintKey)
            guard byIssuer.updateValue(trusted, forKey: ExactString(issuer.policy.issuer)) == nil else {
                throw ConfigurationError("two trusted issuers have the same issuer identifier")
            }
        }
        self.issuers = byIssuer
        self.only = byIssuer.count == 1 ? byIssuer.first?.value : nil
        self.templates = byIssuer.values.filter { $0.issuer.policy.isMultiTenant }
        self.algorithms = AllowedAlgorithms(issuers.flatMap(\.policy.algorithms))
        self.realm = realm
        self.protectedResource = protectedResource
        self.cache = VerifiedTokenCache(tokenCache)
        self.isCaching = !tokenCache.isOff
        self.isRevoked = isRevoked
        self.isObserved = observer != nil
        self.hasDenylist = isRevoked != nil
        self.clock = clock
        self.observer = observer
        self.fingerprintKey = fingerprintKey
    }

    /// Decides about one request.
    ///
    /// Suspends only when the token's key is not at hand, or older than the requirement allows.
    ///
    /// - Parameters:
    ///   - credentials: what the request brought.
    ///   - requirement: what the route demands.
    /// - Returns: ``Decision/authorized(_:)`` or ``Decision/refused(_:)``.
    public func authorize(
        _ credentials: RequestCredentials,
        requiring requirement: Requirement = .authenticated
    ) async -> Decision {
        if let decision = recall(credentials, requiring: requirement) { return decision }
        var request = Request(requirement, isOptional: false, isObserved: isObserved)
        let attempt = attempt(credentials, &request)
        // The frames of waiting are made for those who wait.
        if case .decided(let decision) = attempt { return decision }
        return await decide(attempt, &request)
    }

    /// Decides about a request on a route where a token is optional: none is ``Decision/anonymous``; a bad one is
    /// refused all the same, never anonymous.
    public func authorizeIfPresent(
        _ credentials: RequestCredentials,
        requiring requirement: Requirement = .authenticated
    ) async -> Decision {
        if let decision = recall(credentials, requiring: requirement) { return decision }
        var request = Request(requirement, isOptional: true, isObserved: isObserved)
        let attempt = attempt(credentials, &request)
        // The frames of waiting are made for those who wait.
        if case .decided(let decision) = attempt { return decision }
        return await decide(attempt, &request)
    }

    /// Decides about a request without ever waiting, for servers that cannot.
    ///
    /// A token whose key is not at hand is refused: with ``RejectionCode/unknownKey`` where the issuer's keys are local and
    /// therefore all known, with ``RejectionCode/keysUnavailable`` where they would have to be fetched. Nothing is fetched
    /// because of it.
    public func authorizeAtOnce(
        _ credentials: RequestCredentials,
        requiring requirement: Requirement = .authenticated
    ) -> Decision {
        if let decision = recall(credentials, requiring: requirement) { return decision }
        var request = Request(requirement, isOptional: false, isObserved: isObserved)
        switch attempt(credentials, &request) {
        case .decided(let decision): return decision
        case .needsKeys(let pending) where pending.trusted.keys is any LocalKeySource:
            return refuse(Rejection(.unknownKey, "the issuer has no such key"), request)
        case .needsKeys, .needsNewerKeys:
            return refuse(KeysUnavailable(cause: .unreachable, retryAfter: 1), request)
        }
    }

    /// Decides about a request if that takes no waiting; nil where it does.
    package func decisionAtHand(
        _ credentials: RequestCredentials,
        requiring requirement: Requirement,
        isOptional: Bool
    ) -> Decision? {
        if let decision = recall(credentials, requiring: requirement) { return decision }
        var request = Request(requirement, isOptional: isOptional, isObserved: isObserved)
        guard case .decided(let decision) = attempt(credentials, &request) else { return nil }
        return decision
    }

    /// Goes on after what could be decided without waiting.
    private func decide(_ attempt: Attempt, _ request: inout Request) async -> Decision {
        switch attempt {
        case .decided(let decision): return decision
        case .needsKeys(let pending):
            switch await pending.trusted.keys.resolve(missing: pending.token.header.keyID) {
            case .unknown: return refuse(Rejection(.unknownKey, "the issuer has no such key"), request)
            case .unavailable(let failure): return refuse(failure, request)
            case .keys(let availability): return conclude(pending, availability, &request)
            }
        case .needsNewerKeys(let pending, let age):
            return conclude(pending, await pending.trusted.keys.refreshed(within: age), &request)
        }
    }
}
