// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The ways of a request: by memory, by everything at hand, and once more after keys were fetched.
extension RequestGuard {
    /// The decision about a token that was verified before, if everything else still holds.
    package func recall(_ credentials: RequestCredentials, requiring requirement: Requirement) -> Decision? {
        guard isCaching, let field = credentials.onlyAuthorization, let entry = cache.find(field) else { return nil }
        return recall(entry, requirement)
    }

    /// The decision about a token that was verified before, by the bytes of the only `Authorization` field, for who has no
    /// text of it.
    package func recall(field: Span<UInt8>, requiring requirement: Requirement) -> Decision? {
        guard isCaching, let entry = cache.find(field) else { return nil }
        return recall(entry, requirement)
    }

    @_optimize(speed)
    private func recall(_ entry: VerifiedTokenCache.Entry, _ requirement: Requirement) -> Decision? {
        let start = isObserved ? Request.uptime() : nil
        let keys: ObjectIdentifier
        var keyAge = Duration.zero
        var usesStaleKeys = false
        if let fixed = entry.fixedKeys {
            keys = fixed
        } else {
            switch entry.trusted.keys.current() {
            case .fresh(let snapshot, let age): (keys, keyAge) = (ObjectIdentifier(snapshot), age)
            case .stale(let snapshot, let age):
                (keys, keyAge) = (ObjectIdentifier(snapshot), age)
                usesStaleKeys = true
            case .unavailable: return nil
            }
        }
        let now = clock.now()
        // Another set of keys, the same to the last one or not, is another verification.
        guard keys == entry.keysID, now >= entry.begin, now < entry.end,
            !entry.hasOwnChecks || entry.trusted.passesOwnChecks(entry.token.claims)
        else {
            cache.remove(entry)
            return nil
        }
        if let limit = requirement.maximumKeyAge, keyAge > limit { return nil }
        let token = AccessToken(entry.token, usesStaleKeys: usesStaleKeys, keyAge: keyAge)
        if let start {
            var request = Request(requirement, isOptional: false, since: start)
            request.recall(entry, usesStaleKeys: usesStaleKeys)
            return decide(token, request)
        }
        if !hasDenylist, requirement.isMet(by: token) { return .authorized(token) }
        return decide(token, Request(requirement, isOptional: false, since: nil))
    }

    /// Everything that needs no waiting: the whole path of a token whose key is known.
    @_optimize(speed)
    func attempt(_ credentials: RequestCredentials, _ request: inout Request) -> Attempt {
        do throws(Rejection) {
            guard let bytes = try BearerToken.extract(from: credentials) else {
                if request.isOptional { return .decided(finish(.anonymous, request)) }
                throw Rejection(.missingToken, "no credential")
            }
            request.note(bytes: bytes)
            let token = try read(bytes)
            request.note(token)
            let trusted = try trustedIssuer(of: token)
            request.note(trusted)
            let field = credentials.onlyAuthorization
            guard let keys = request.note(trusted.keys.current()) else {
                return .needsKeys(Pending(token: token, field: field, trusted: trusted))
            }
            let now = clock.now()
            let judgement = trusted.validator.judge(token, keys: keys, at: now)
            if judgement.findings.first?.code == .unknownKey {
                return .needsKeys(Pending(token: token, field: field, trusted: trusted))
            }
            // After the judgement: only who holds a valid token may cause a refresh by it.
            if let limit = request.requirement.maximumKeyAge, request.keyAge > limit, judgement.findings.isEmpty {
                return .needsNewerKeys(Pending(token: token, field: field, trusted: trusted), within: limit)
            }
            return .decided(decide(token, field, trusted, judgement, keys, at: now, request))
        } catch {
            return .decided(refuse(error, request))
        }
    }

    /// The second and last look, after a refresh.
    func conclude(_ pending: Pending, _ availability: KeyAvailability, _ request: inout Request) -> Decision {
        guard let keys = request.note(availability) else {
            guard case .unavailable(let failure) = availability else {
                return refuse(KeysUnavailable(cause: .unreachable, retryAfter: 1), request)
            }
            return refuse(failure, request)
        }
        if let limit = request.requirement.maximumKeyAge, request.keyAge > limit {
            return refuse(KeysUnavailable(cause: .tooOld, retryAfter: 1), request)
        }
        let now = clock.now()
        let judgement = pending.trusted.validator.judge(pending.token, keys: keys, at: now)
        // An old set cannot say that a key does not exist.
        if request.usesStaleKeys, judgement.findings.first?.code == .unknownKey {
            return refuse(KeysUnavailable(cause: .unreachable, retryAfter: 1), request)
        }
        return decide(pending.token, pending.field, pending.trusted, judgement, keys, at: now, request)
    }

    private func read(_ bytes: ArraySlice<UInt8>) throws(Rejection) -> UnverifiedToken {
        do {
            return try UnverifiedToken.read(bytes, known: knownHeaders)
        } catch {
            guard BearerToken.isToken68(bytes) else { throw Rejection(.invalidRequest, "not a b64token") }
            throw Rejection(error)
        }
    }

    /// The configured issuer that the token names.
    ///
    /// Its algorithm is judged first, where any issuer would refuse it.
    private func trustedIssuer(of token: UnverifiedToken) throws(Rejection) -> Trusted {
        guard let algorithm = token.header.algorithm, algorithms.contains(algorithm) else {
            throw Rejection(.unsupportedAlgorithm, "alg is not in any allow-list")
        }
        let claims: JSONObject
        do throws(JSONError) {
            claims = try token.unverifiedClaims.get()
        } catch {
            throw Rejection(error)
        }
        if let only, claims.hasText(only.name, at: .issuer) { return only }
        let name = try claims.issuer()
        if let trusted = issuers[ExactString(name)] { return trusted }
        if let trusted = templates.first(where: { $0.issuer.policy.isTemplate(of: name) }) { return trusted }
        // With one issuer its own check knows how close the name is.
        if let only, let rejection = only.validator.rejectionByIssuer(claims) { throw rejection }
        throw Rejection(.wrongIssuer, "iss is not a trusted issuer")
    }
}
