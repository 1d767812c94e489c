// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The pipeline from an ``UnverifiedToken`` to an ``AccessToken``: a pure function of token, keys, time and policy.
///
/// A guard stops at the first reason; an audit runs the same checks and keeps them all.
package final class TokenValidator: Sendable {
    /// What is known of the sender, for tokens that are bound to one (RFC 7800).
    package enum Binding: Sendable {
        /// The token came as a plain bearer token.
        case bearer
        /// Nobody can say how it came: a captured token.
        case unknown
    }

    /// The checks by name, in their order.
    package enum Check: String, Sendable, CaseIterable {
        case algorithm
        case payload
        case issuer
        case signature
        case type
        case audience
        case expiration
        case notBefore = "not before"
        case issuedAt = "issued at"
        case claimTypes = "claim types"
        case scopes
        case requiredClaims = "required claims"
        case customChecks = "custom checks"
        case binding
        case requirement
    }

    /// How far to go.
    package enum Extent: Sendable {
        /// To the first reason to refuse.
        case firstFinding
        /// Through every check that still can be made.
        case allFindings
        /// As far, keeping what each check found.
        case allChecks
    }

    /// What came of a token.
    package struct Judgement: Sendable {
        /// The reasons to refuse, in the order of the checks; empty for a valid token.
        package var findings: [Rejection] = []
        /// Every check that was made and what it found, for ``Extent/allChecks``.
        package var checks: [(check: Check, finding: Rejection?)] = []
        /// The key that the signature was verified with.
        package var key: VerificationKey?
        /// The claims, readable from here on only together with an empty list of findings.
        package var claims: JSONObject?

        /// Takes what a check found; true when nothing more need be checked.
        @inline(__always)
        fileprivate mutating func note(_ check: Check, _ finding: Rejection?, _ extent: Extent) -> Bool {
            if extent == .allChecks { checks.append((check, finding)) }
            guard let finding else { return false }
            findings.append(finding)
            return extent == .firstFinding
        }
    }

    package let policy: ValidationPolicy
    private let binding: Binding

    package init(policy: ValidationPolicy, binding: Binding) {
        self.policy = policy
        self.binding = binding
    }

    /// Reads `bytes` and judges what they hold.
    package func judge(
        _ bytes: [UInt8],
        keys: KeySnapshot,
        at now: UnixTime,
        extent: Extent = .firstFinding
    ) -> Judgement {
        do throws(JWSFault) {
            return judge(try UnverifiedToken(bytes), keys: keys, at: now, extent: extent)
        } catch {
            return Judgement(findings: [Rejection(error)])
        }
    }

    /// Judges `token` by `keys` at `now`.
    ///
    /// A guard stops at the first reason; an audit makes every check that still can be.
    package func judge(
        _ token: UnverifiedToken,
        keys: KeySnapshot,
        at now: UnixTime,
        extent: Extent = .firstFinding
    ) -> Judgement {
        var judgement = Judgement()
        let algorithm = token.header.algorithm.flatMap { policy.allowedAlgorithms.contains($0) ? $0 : nil }
        let unsupported = algorithm == nil ? Rejection(.unsupportedAlgorithm, "alg is not in the allow-list") : nil
        if judgement.note(.algorithm, unsupported, extent) { return judgement }
        let claims: JSONObject
        switch token.unverifiedClaims {
        case .success(let readable): claims = readable
        case .failure(let error):
            _ = judgement.note(.payload, Rejection(error), extent)
            return judgement
        }
        judgement.claims = claims
        if judgement.note(.payload, nil, extent) { return judgement }
        if judgement.note(.issuer, rejectionByIssuer(claims), extent) { return judgement }
        if let algorithm {
            let finding: Rejection?
            switch Self.verify(token.jws, keyID: token.header.keyID, algorithm: algorithm, keys: keys) {
            case .success(let key):
                judgement.key = key
                finding = rejectionByKeyIssuer(key, claims)
            case .failure(let rejection): finding = rejection
            }
            if judgement.note(.signature, finding, extent) { return judgement }
        }
        // One after the other, not in a loop over their names: what comes next is never guessed wrongly.
        if judgement.note(.type, rejectionByType(token.header, claims), extent)
            || judgement.note(.audience, rejectionByAudience(claims), extent)
            || judgement.note(.expiration, rejectionByExpiration(claims, now), extent)
            || judgement.note(.notBefore, rejectionByNotBefore(claims, now), extent)
            || judgement.note(.issuedAt, rejectionByIssuedAt(claims, now), extent)
            || judgement.note(.claimTypes, rejectionByTextTypes(claims), extent)
            || judgement.note(.scopes, rejectionByScopes(claims), extent)
            || judgement.note(.requiredClaims, rejectionByRequiredClaims(claims), extent)
            || judgement.note(.customChecks, rejectionByOwnChecks(claims), extent)
        {
            return judgement
        }
        _ = judgement.note(.binding, rejectionByBinding(claims), extent)
        return judgement
    }

    /// The verified token, out of a judgement without a finding; nil for any other.
    package func verifiedToken(
        _ judgement: Judgement,
        of token: UnverifiedToken,
        setting: VerifiedToken.Setting,
        isKept: Bool = false
    ) -> VerifiedToken? {
        guard judgement.findings.isEmpty, let key = judgement.key, let object = judgement.claims,
            let algorithm = token.header.algorithm
        else { return nil }
        return VerifiedToken(
            claims: Claims(object),
            algorithm: algorithm,
            key: key,
            bytes: token.bytes,
            setting: setting,
            isKept: isKept
        )
    }

    /// From when and before when a judgement on these claims comes to the same as at `now`.
    package func steadyPeriod(of claims: JSONObject, around now: UnixTime) -> Range<UnixTime> {
        let claims = Claims(claims)
        let skew = Int64(policy.clockSkew)
        var period = UnixTime.always
        func note(_ turn: UnixTime) {
            period = period.clamped(to: turn <= now ? turn..<period.upperBound : period.lowerBound..<turn)
        }
        if let notBefore = claims.notBefore { note(notBefore.advanced(by: -skew)) }
        if let issuedAt = claims.issuedAt {
            note(issuedAt.advanced(by: -skew))
            if let age = policy.maximumAge { note(issuedAt.advanced(by: Int64(age)).advanced(by: skew)) }
        }
        if let expiration = claims.expiration { note(expiration.advanced(by: skew)) }
        return period
    }

    /// From when and before when these claims pass the checks of time.
    func validity(of claims: Claims) -> (begin: UnixTime, end: UnixTime) {
        let skew = Int64(policy.clockSkew)
        var begin = UnixTime(seconds: .min)
        var end = UnixTime(seconds: .max)
        if let notBefore = claims.notBefore { begin = max(begin, notBefore.advanced(by: -skew)) }
        if let issuedAt = claims.issuedAt {
            begin = max(begin, issuedAt.advanced(by: -skew))
            if let age = policy.maximumAge { end = min(end, issuedAt.advanced(by: Int64(age)).advanced(by: skew)) }
        }
        if let expiration = claims.expiration { end = min(end, expiration.advanced(by: skew)) }
        return (begin, end)
    }

    /// The signature alone: key selection, then verification by every candidate.
    package static func verify(
        _ jws: CompactJWS,
        keyID: String?,
        algorithm: SignatureAlgorithm,
        keys: KeySnapshot
    ) -> Result<VerificationKey, Rejection> {
        switch KeySelection.choose(keyID: keyID, algorithm: algorithm, in: keys) {
        case .one(let key):
            if key.isSigner(of: jws, by: algorithm) { return .success(key) }
            return .failure(Rejection(.badSignature, "the signature does not verify"))
        case .candidates(let candidates):
            for key in candidates where key.isSigner(of: jws, by: algorithm) { return .success(key) }
            return .failure(Rejection(.badSignature, "the signature does not verify"))
        case .unknown: return .failure(Rejection(.unknownKey, "no key is meant by this kid and algorithm"))
        case .ambiguous: return .failure(Rejection(.ambiguousKey, "several keys could be meant"))
        case .mismatch: return .failure(Rejection(.algorithmMismatch, "the key is not for this algorithm"))
        case .faulty(let fault): return .failure(Rejection(fault))
        }
    }

    /// A token bound to a key or certificate is worth nothing without it (RFC 9449 §7.1, RFC 8705 §3); a method we do
    /// not know is a condition we cannot check.
    private func rejectionByBinding(_ claims: JSONObject) -> Rejection? {
        guard let claim = claims[.confirmation] else { return nil }
        guard let members = claim.objectValue else { return Rejection(.invalidClaim, "cnf is not an object") }
        guard case .bearer = binding else { return nil }
        if members["jkt"] != nil { return Rejection(.dpopMissing, "the token is bound to a DPoP key") }
        return Rejection(.confirmationMismatch, "the token is bound by a method that was not shown")
    }
}
