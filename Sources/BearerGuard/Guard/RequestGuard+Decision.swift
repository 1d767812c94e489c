// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

extension RequestGuard {
    /// What is gathered about a request on its way, for the event at its end.
    struct Request {
        let requirement: Requirement
        let isOptional: Bool
        /// When it began; nil where nobody will be told.
        private let start: Duration?
        private(set) var bytes: ArraySlice<UInt8>?
        private(set) var header: JOSEHeader?
        private(set) var issuerAlias: String?
        private(set) var usesStaleKeys = false
        private(set) var keyAge: Duration = .zero
        private(set) var recalled: VerifiedToken?

        init(_ requirement: Requirement, isOptional: Bool, isObserved: Bool) {
            self.init(requirement, isOptional: isOptional, since: isObserved ? Self.uptime() : nil)
        }

        init(_ requirement: Requirement, isOptional: Bool, since start: Duration?) {
            self.requirement = requirement
            self.isOptional = isOptional
            self.start = start
        }

        /// Notes what is known of the token, for the event.
        mutating func note(bytes: ArraySlice<UInt8>) { if start != nil { self.bytes = bytes } }
        mutating func note(_ token: UnverifiedToken) { if start != nil { header = token.header } }
        mutating func note(_ trusted: Trusted) { if start != nil { issuerAlias = trusted.issuer.alias } }

        /// Notes how old the keys are, and gives them.
        mutating func note(_ availability: KeyAvailability) -> KeySnapshot? {
            switch availability {
            case .fresh(let keys, let age):
                usesStaleKeys = false
                keyAge = age
                return keys
            case .stale(let keys, let age):
                usesStaleKeys = true
                keyAge = age
                return keys
            case .unavailable: return nil
            }
        }

        /// Notes a token that was verified before, for the event.
        mutating func recall(_ entry: VerifiedTokenCache.Entry, usesStaleKeys: Bool) {
            self.usesStaleKeys = usesStaleKeys
            recalled = entry.token
            header = entry.header
            issuerAlias = entry.trusted.issuer.alias
        }

        var elapsed: Duration { start.map { Self.uptime() - $0 } ?? .zero }

        /// The time by which decisions are measured.
        static func uptime() -> Duration { MonotonicClock.system.uptime() }
    }

    /// A token that waits for keys.
    struct Pending {
        let token: UnverifiedToken
        /// The field that it came in, to be known by when it comes again.
        let field: String?
        let trusted: Trusted
    }

    enum Attempt {
        case decided(Decision)
        case needsKeys(Pending)
        case needsNewerKeys(Pending, within: Duration)
    }

    /// Decides about a token whose judgement is made, and remembers it if it is good.
    func decide(
        _ token: UnverifiedToken,
        _ field: String?,
        _ trusted: Trusted,
        _ judgement: TokenValidator.Judgement,
        _ keys: KeySnapshot,
        at now: UnixTime,
        _ request: Request
    ) -> Decision {
        if let rejection = judgement.findings.first { return refuse(rejection, request) }
        let verified = trusted.validator.verifiedToken(
            judgement,
            of: token,
            setting: trusted.setting,
            isKept: isCaching
        )
        guard let verified else { return refuse(Rejection(.badSignature, "nothing was verified"), request) }
        if !token.isHeaderKnown { knownHeaders.note(token.jws.headerSegment, token.header) }
        // One spelling of the field for each token: others are verified every time.
        if isCaching, let field, field.utf8.count == "Bearer ".utf8.count + token.bytes.count {
            let (begin, end) = trusted.validator.validity(of: verified.claims)
            let entry = VerifiedTokenCache.Entry(
                field: Array(field.utf8),
                token: verified,
                trusted: trusted,
                keys: keys,
                header: token.header,
                begin: begin,
                end: min(end, now.advanced(by: cache.life))
            )
            cache.insert(entry, at: now)
        }
        return decide(
            AccessToken(verified, usesStaleKeys: request.usesStaleKeys, keyAge: request.keyAge),
            request
        )
    }

    /// Decides about a valid token.
    func decide(_ token: AccessToken, _ request: Request) -> Decision {
        if let isRevoked, isRevoked(token) {
            return refuse(Rejection(.revoked, "the token is on the denylist"), request)
        }
        guard request.requirement.isMet(by: token) else {
            return refuse(Rejection(.insufficientScope, "the requirement is not met"), request)
        }
        return finish(.authorized(token), request)
    }

    func refuse(_ rejection: Rejection, _ request: Request) -> Decision {
        let refusal = refusal(rejection.code, scopes: request.requirement.challengeScopes)
        return finish(.refused(refusal), request, detail: rejection.detail)
    }

    /// A refusal in the name of this guard.
    package func refusal(_ code: RejectionCode, scopes: [String] = []) -> Refusal {
        let challenge = Challenge(
            realm: realm,
            code: code,
            scopes: scopes,
            resourceMetadata: protectedResource?.metadataURL
        )
        return Refusal(code: code, challenges: [challenge], retryAfter: nil)
    }

    func refuse(_ failure: KeysUnavailable, _ request: Request) -> Decision {
        let refusal = Refusal(code: .keysUnavailable, challenges: [], retryAfter: failure.retryAfter)
        return finish(.refused(refusal), request, detail: failure.cause.rawValue)
    }

    func finish(_ decision: Decision, _ request: Request, detail: String? = nil) -> Decision {
        // Asked first: whether an existential is there costs more to find out than a flag.
        guard isObserved else { return decision }
        let outcome: (text: String, status: Int) =
            switch decision {
            case .authorized: ("authorized", 200)
            case .anonymous: ("anonymous", 200)
            case .refused(let refusal): (refusal.code.text, refusal.httpStatus)
            }
        let fingerprint = request.recalled?.fingerprint ?? request.bytes.map { fingerprintKey.fingerprint(of: $0) }
        observer?.observe(
            .decided(
                DecisionEvent(
                    outcome: outcome.text,
                    status: outcome.status,
                    issuerAlias: request.issuerAlias,
                    algorithm: request.header?.algorithm,
                    keyID: request.header?.keyID?.escapedForLogs,
                    fingerprint: fingerprint,
                    detail: detail,
                    usesStaleKeys: request.usesStaleKeys,
                    wasCached: request.recalled != nil,
                    elapsed: request.elapsed
                )
            )
        )
        return decision
    }
}
