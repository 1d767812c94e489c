// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The checks on claims, small and in a fixed order.
///
/// Each returns the reason to refuse, or nil.
extension TokenValidator {
    func rejectionByIssuer(_ claims: JSONObject) -> Rejection? {
        switch policy.issuerRule {
        case .unchecked: return nil
        case .exactly(let expected): if claims.hasText(expected, at: .issuer) { return nil }
        case .tenants: break
        }
        let issuer: String
        do throws(Rejection) { issuer = try claims.issuer() } catch { return error }
        switch policy.issuerRule {
        case .unchecked: return nil
        case .exactly(let expected):
            return issuer.isExactly(expected) ? nil : Rejection(.wrongIssuer, Self.nearMiss(issuer, expected))
        case .tenants(let template, let tenants):
            guard let tenant = template.tenant(of: issuer) else {
                return Rejection(.wrongIssuer, "iss does not have the form of the configured template")
            }
            guard let claim = claims[.tenantID] else { return Rejection(.missingClaim, "tid is missing") }
            guard claim.stringValue?.isExactly(tenant) == true else {
                return Rejection(.wrongIssuer, "tid is not the tenant that iss names")
            }
            return tenants.contains(tenant) ? nil : Rejection(.wrongIssuer, "the tenant is not listed")
        }
    }

    /// A key of one tenant among those of all is that tenant's alone (Entra's `issuer` member of a key).
    func rejectionByKeyIssuer(_ key: VerificationKey, _ claims: JSONObject) -> Rejection? {
        guard case .tenants(let template, _) = policy.issuerRule, let keyIssuer = key.issuer,
            let issuer = claims[.issuer]?.stringValue, let tenant = template.tenant(of: issuer)
        else { return nil }
        return IssuerTemplate.filled(keyIssuer, with: tenant).isExactly(issuer)
            ? nil : Rejection(.wrongIssuer, "the key is another issuer's")
    }

    /// Says how close a wrong issuer is, which is what most wrong configurations come down to.
    private static func nearMiss(_ issuer: String, _ expected: String) -> String {
        if (issuer + "/").isExactly(expected) || issuer.isExactly(expected + "/") {
            return "iss differs from the configured issuer by a trailing slash"
        }
        if issuer.lowercased().isExactly(expected.lowercased()) {
            return "iss differs from the configured issuer by case"
        }
        return "iss is not the configured issuer"
    }

    /// The kind of token, by its header, its shape, and what the issuer's preset knows of its own tokens.
    func rejectionByType(_ header: JOSEHeader, _ claims: JSONObject) -> Rejection? {
        let rejection = policy.acceptedTokens.rejection(
            mediaType: header.mediaType,
            claims: claims,
            vendorTypes: policy.preset.vendorTypes
        )
        if rejection != nil || policy.preset.typeChecks.isEmpty { return rejection }
        let typed = Claims(claims)
        return policy.preset.typeChecks.first { !$0.isSatisfied(typed) }.map { Rejection(.wrongType, $0.name) }
    }

    func rejectionByAudience(_ claims: JSONObject) -> Rejection? {
        switch policy.audienceRule {
        case .unchecked: return nil
        case .clientID:
            guard let claim = claims[.clientID] else { return Rejection(.missingClaim, "client_id is missing") }
            guard let client = claim.stringValue else { return Rejection(.invalidClaim, "client_id is not a string") }
            return policy.audience.containsExactly(client)
                ? nil : Rejection(.wrongAudience, "client_id is not accepted")
        case .audience:
            if claims.hasText(amongst: policy.audience, at: .audience) { return nil }
            guard let claim = claims[.audience] else { return Rejection(.missingClaim, "aud is missing") }
            guard let audience = claim.stringValue.map({ [$0] }) ?? claim.stringsValue else {
                return Rejection(.invalidClaim, "aud is neither a string nor an array of strings")
            }
            return audience.contains(where: policy.audience.containsExactly)
                ? nil : Rejection(.wrongAudience, audience.isEmpty ? "aud is empty" : "aud names nobody accepted")
        }
    }

    func rejectionByExpiration(_ claims: JSONObject, _ now: UnixTime) -> Rejection? {
        guard let claim = claims[.expiration] else {
            return policy.requiresExpiration ? Rejection(.missingClaim, "exp is missing") : nil
        }
        guard let time = UnixTime(claim) else { return Rejection(.invalidClaim, "exp is not a date") }
        return now >= time.advanced(by: Int64(policy.clockSkew)) ? Rejection(.expired, "exp is past") : nil
    }

    func rejectionByNotBefore(_ claims: JSONObject, _ now: UnixTime) -> Rejection? {
        guard let claim = claims[.notBefore] else { return nil }
        guard let time = UnixTime(claim) else { return Rejection(.invalidClaim, "nbf is not a date") }
        return time > now.advanced(by: Int64(policy.clockSkew)) ? Rejection(.notYetValid, "nbf is ahead") : nil
    }

    func rejectionByIssuedAt(_ claims: JSONObject, _ now: UnixTime) -> Rejection? {
        guard let claim = claims[.issuedAt] else {
            return policy.maximumAge == nil ? nil : Rejection(.missingClaim, "iat is missing")
        }
        guard let time = UnixTime(claim) else { return Rejection(.invalidClaim, "iat is not a date") }
        if time > now.advanced(by: Int64(policy.clockSkew)) { return Rejection(.issuedInFuture, "iat is ahead") }
        guard let maximumAge = policy.maximumAge else { return nil }
        let end = time.advanced(by: Int64(maximumAge)).advanced(by: Int64(policy.clockSkew))
        return now >= end ? Rejection(.expired, "older than the policy allows") : nil
    }

    /// Registered claims that must be strings where they are present (RFC 7519 §4.1, RFC 9068 §2.2).
    func rejectionByTextTypes(_ claims: JSONObject) -> Rejection? {
        for member in Self.textMembers where !claims.isTextOrAbsent(member) {
            return Rejection(.invalidClaim, "\(member.name) is not a string")
        }
        return nil
    }

    private static let textMembers: [TokenMember] = [.subject, .tokenID] + Claims.clientMembers

    func rejectionByScopes(_ claims: JSONObject) -> Rejection? {
        Scopes.areReadable(in: claims) ? nil : Rejection(.invalidClaim, "scope or scp is not a list of scopes")
    }

    func rejectionByRequiredClaims(_ claims: JSONObject) -> Rejection? {
        claims.firstMissing(of: policy.requiredClaims).map { Rejection(.missingClaim, "\($0) is missing") }
    }

    func rejectionByOwnChecks(_ claims: JSONObject) -> Rejection? {
        if policy.checks.isEmpty { return nil }
        let typed = Claims(claims)
        return policy.checks.first { !$0.isSatisfied(typed) }.map { Rejection(.invalidClaim, $0.name) }
    }
}

extension JSONObject {
    /// The issuer that claims name; throws why they name none.
    package func issuer() throws(Rejection) -> String {
        guard let claim = self[.issuer] else { throw Rejection(.missingClaim, "iss is missing") }
        guard let issuer = claim.stringValue else { throw Rejection(.invalidClaim, "iss is not a string") }
        return issuer
    }
}
