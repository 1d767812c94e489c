// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

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
    private let issuers: [ExactString: (issuer: TrustedIssuer, validator: TokenValidator)]
    /// Those of `issuers` that stand for many tenants.
    private let templates: [(issuer: TrustedIssuer, validator: TokenValidator)]
    private let realm: String
    private let clock: WallClock
    private let observer: (any GuardObserver)?
    private let fingerprintKey: TokenFingerprint.Key

    /// A guard for the tokens of these issuers and of nobody else.
    ///
    /// - Parameters:
    ///   - issuers: at least one, each with an issuer identifier of its own.
    ///   - realm: the protection space named in challenges; printable ASCII without `"` and `\`.
    ///   - clock: the time of day.
    ///   - observer: hears of every decision.
    ///   - fingerprintKey: what tokens are named with in events; of this process alone unless given.
    /// - Throws: ``ConfigurationError`` when there is no issuer, two have the same identifier, or the realm cannot stand
    ///   in a header.
    public init(
        issuers: [TrustedIssuer],
        realm: String = "api",
        clock: WallClock = .system,
        observer: (any GuardObserver)? = nil,
        fingerprintKey: TokenFingerprint.Key = .random()
    ) throws(ConfigurationError) {
        guard !issuers.isEmpty else { throw ConfigurationError("a guard needs at least one trusted issuer") }
        guard Challenge.isQuotable(realm) else {
            throw ConfigurationError("realm must be printable ASCII without quotes and backslashes")
        }
        var byIssuer: [ExactString: (issuer: TrustedIssuer, validator: TokenValidator)] = [:]
        for issuer in issuers {
            let validator = TokenValidator(policy: issuer.policy, binding: .bearer)
            guard byIssuer.updateValue((issuer, validator), forKey: ExactString(issuer.policy.issuer)) == nil else {
                throw ConfigurationError("two trusted issuers have the same issuer identifier")
            }
        }
        self.issuers = byIssuer
        self.templates = byIssuer.values.filter { $0.issuer.policy.isMultiTenant }
        self.realm = realm
        self.clock = clock
        self.observer = observer
        self.fingerprintKey = fingerprintKey
    }

    /// Decides about one request.
    ///
    /// Suspends only when the token's key is not at hand.
    ///
    /// - Parameters:
    ///   - credentials: what the request brought.
    ///   - requirement: what the route demands.
    /// - Returns: ``Decision/authorized(_:)`` or ``Decision/refused(_:)``.
    public func authorize(
        _ credentials: RequestCredentials,
        requiring requirement: Requirement = .authenticated
    ) async -> Decision {
        await decide(credentials, requirement, isOptional: false)
    }

    /// Decides about a request on a route where a token is optional: none is ``Decision/anonymous``; a bad one is
    /// refused all the same, never anonymous.
    public func authorizeIfPresent(
        _ credentials: RequestCredentials,
        requiring requirement: Requirement = .authenticated
    ) async -> Decision {
        await decide(credentials, requirement, isOptional: true)
    }

    /// Whether every issuer has keys: what a readiness probe asks; liveness has nothing to do with it.
    public var isReady: Bool { issuers.values.allSatisfy { $0.issuer.keys.status().state != .unavailable } }

    /// The state of each issuer's keys, by alias.
    public func status() -> [(issuerAlias: String, keys: KeySourceStatus)] {
        issuers.values.map { ($0.issuer.alias, $0.issuer.keys.status()) }.sorted { $0.issuerAlias < $1.issuerAlias }
    }

    private func decide(
        _ credentials: RequestCredentials,
        _ requirement: Requirement,
        isOptional: Bool
    ) async -> Decision {
        var request = Request(requirement: requirement, isOptional: isOptional)
        switch attempt(credentials, &request) {
        case .decided(let decision): return decision
        case .needsKeys(let pending):
            switch await pending.issuer.keys.resolve(missing: pending.token.header.keyID) {
            case .unknown: return refuse(Rejection(.unknownKey, "the issuer has no such key"), request)
            case .unavailable(let failure): return refuse(failure, request)
            case .keys(let availability): return conclude(pending, availability, &request)
            }
        case .needsNewerKeys(let pending, let age):
            return conclude(pending, await pending.issuer.keys.refreshed(within: age), &request)
        }
    }

    /// Everything that needs no waiting: the whole path of a token whose key is known.
    private func attempt(_ credentials: RequestCredentials, _ request: inout Request) -> Attempt {
        do throws(Rejection) {
            guard let bytes = try BearerToken.extract(from: credentials) else {
                if request.isOptional { return .decided(finish(.anonymous, request)) }
                throw Rejection(.missingToken, "no credential")
            }
            if observer != nil { request.fingerprint = fingerprintKey.fingerprint(of: bytes) }
            let token = try Self.read(bytes)
            request.header = token.header
            let (issuer, validator) = try trustedIssuer(of: token)
            request.issuerAlias = issuer.alias
            let pending = Pending(token: token, bytes: bytes, issuer: issuer, validator: validator)
            let availability = issuer.keys.current()
            guard let keys = request.note(availability) else { return .needsKeys(pending) }
            if let limit = request.requirement.maximumKeyAge, request.keyAge > limit {
                return .needsNewerKeys(pending, within: limit)
            }
            let judgement = validator.judge(token, keys: keys, at: clock.now())
            if judgement.findings.first?.code == .unknownKey { return .needsKeys(pending) }
            return .decided(decide(pending, judgement, request))
        } catch {
            return .decided(refuse(error, request))
        }
    }

    /// The second and last look, after a refresh.
    private func conclude(_ pending: Pending, _ availability: KeyAvailability, _ request: inout Request) -> Decision {
        guard let keys = request.note(availability) else {
            guard case .unavailable(let failure) = availability else {
                return refuse(KeysUnavailable(cause: .unreachable, retryAfter: 1), request)
            }
            return refuse(failure, request)
        }
        if let limit = request.requirement.maximumKeyAge, request.keyAge > limit {
            return refuse(KeysUnavailable(cause: .tooOld, retryAfter: 1), request)
        }
        let judgement = pending.validator.judge(pending.token, keys: keys, at: clock.now())
        // An old set cannot say that a key does not exist.
        if request.usesStaleKeys, judgement.findings.first?.code == .unknownKey {
            return refuse(KeysUnavailable(cause: .unreachable, retryAfter: 1), request)
        }
        return decide(pending, judgement, request)
    }

    private static func read(_ bytes: [UInt8]) throws(Rejection) -> UnverifiedToken {
        do {
            return try UnverifiedToken(bytes)
        } catch {
            throw Rejection(error)
        }
    }

    /// The configured issuer that the token names.
    ///
    /// Its algorithm is judged first, where any issuer would refuse it.
    private func trustedIssuer(
        of token: UnverifiedToken
    ) throws(Rejection) -> (issuer: TrustedIssuer, validator: TokenValidator) {
        guard let algorithm = token.header.algorithm,
            issuers.values.contains(where: { $0.issuer.policy.algorithms.contains(algorithm) })
        else { throw Rejection(.unsupportedAlgorithm, "alg is not in any allow-list") }
        if case .failure(let error) = token.unverifiedClaims { throw Rejection(error) }
        guard let claim = token.unverifiedIssuer else { throw Rejection(.missingClaim, "iss is missing") }
        guard let name = claim.stringValue else { throw Rejection(.invalidClaim, "iss is not a string") }
        guard
            let trusted = issuers[ExactString(name)]
                ?? templates.first(where: { $0.issuer.policy.isTemplate(of: name) })
        else {
            // With one issuer its own check knows how close the name is.
            if issuers.count == 1, let only = issuers.first?.value, let claims = try? token.unverifiedClaims.get(),
                let rejection = ClaimChecks.issuer(claims, only.issuer.policy)
            {
                throw rejection
            }
            throw Rejection(.wrongIssuer, "iss is not a trusted issuer")
        }
        return trusted
    }
}

extension RequestGuard {
    /// What is gathered about a request on its way, for the event at its end.
    private struct Request {
        let requirement: Requirement
        let isOptional: Bool
        let start = ContinuousClock.now
        var fingerprint: TokenFingerprint?
        var header: JOSEHeader?
        var issuerAlias: String?
        var usesStaleKeys = false
        var keyAge: Duration = .zero

        /// Notes how old the keys are, and gives them.
        mutating func note(_ availability: KeyAvailability) -> KeySnapshot? {
            usesStaleKeys = if case .stale = availability { true } else { false }
            keyAge = availability.age ?? .zero
            return availability.snapshot
        }

        init(requirement: Requirement, isOptional: Bool) {
            self.requirement = requirement
            self.isOptional = isOptional
        }
    }

    private struct Pending {
        let token: UnverifiedToken
        let bytes: [UInt8]
        let issuer: TrustedIssuer
        let validator: TokenValidator
    }

    private enum Attempt {
        case decided(Decision)
        case needsKeys(Pending)
        case needsNewerKeys(Pending, within: Duration)
    }

    private func decide(_ pending: Pending, _ judgement: TokenValidator.Judgement, _ request: Request) -> Decision {
        if let rejection = judgement.findings.first { return refuse(rejection, request) }
        let accessToken = pending.validator.accessToken(
            judgement,
            of: pending.token,
            issuerAlias: pending.issuer.alias,
            fingerprint: request.fingerprint ?? fingerprintKey.fingerprint(of: pending.bytes),
            usesStaleKeys: request.usesStaleKeys,
            keyAge: request.keyAge
        )
        guard let token = accessToken else {
            return refuse(Rejection(.badSignature, "nothing was verified"), request)
        }
        guard request.requirement.isMet(by: token) else {
            return refuse(Rejection(.insufficientScope, "the requirement is not met"), request)
        }
        return finish(.authorized(token), request)
    }

    private func refuse(_ rejection: Rejection, _ request: Request) -> Decision {
        let challenge = Challenge(realm: realm, code: rejection.code, scopes: request.requirement.challengeScopes)
        let refusal = Refusal(code: rejection.code, challenges: [challenge], retryAfter: nil)
        return finish(.refused(refusal), request, detail: rejection.detail)
    }

    private func refuse(_ failure: KeysUnavailable, _ request: Request) -> Decision {
        let refusal = Refusal(code: .keysUnavailable, challenges: [], retryAfter: failure.retryAfter)
        return finish(.refused(refusal), request, detail: failure.cause.rawValue)
    }

    private func finish(_ decision: Decision, _ request: Request, detail: String? = nil) -> Decision {
        guard let observer else { return decision }
        let outcome: (text: String, status: Int) =
            switch decision {
            case .authorized: ("authorized", 200)
            case .anonymous: ("anonymous", 200)
            case .refused(let refusal): (refusal.code.text, refusal.httpStatus)
            }
        observer.observe(
            .decided(
                DecisionEvent(
                    outcome: outcome.text,
                    status: outcome.status,
                    issuerAlias: request.issuerAlias,
                    algorithm: request.header?.algorithm,
                    keyID: request.header?.keyID?.escapedForLogs,
                    fingerprint: request.fingerprint,
                    detail: detail,
                    usesStaleKeys: request.usesStaleKeys,
                    elapsed: ContinuousClock.now - request.start
                )
            )
        )
        return decision
    }
}
