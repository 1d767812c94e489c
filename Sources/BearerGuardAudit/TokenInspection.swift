// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

package import BearerGuard

/// One token with every check that was made on it.
package struct TokenInspection: Sendable {
    package enum Outcome: Sendable {
        case passed
        case failed(Rejection)
        /// Not made, and why.
        case skipped(String)
    }

    package struct Check: Sendable {
        package let name: String
        package let outcome: Outcome
    }

    package let fingerprint: TokenFingerprint
    package var header: JSONObject?
    package var claims: JSONObject?
    /// The configured name of the issuer.
    package var issuer: String?
    package var checks: [Check] = []
    /// Whether the issuer's keys are not at hand.
    package var lacksKeys = false

    /// The token of an `Authorization` field as people copy it, with its name and scheme or without.
    package static func token(ofField field: [UInt8]) -> [UInt8] { CapturedLines.withoutScheme(field) }
}

extension AuditPolicy {
    /// A policy that can show a token and verify nothing.
    package static func withoutKeys(instant: Instant) -> AuditPolicy {
        let open = ValidationPolicy.unsafeWithHoles(
            issuer: nil,
            audience: nil,
            algorithms: Set(SignatureAlgorithm.allCases),
            acceptedTokens: .accessToken,
            clockSkew: 0
        )
        return AuditPolicy(holdingNoKeys: TrustedIssuer(uncheckedPolicy: open, keys: OfflineKeys(), alias: ""), instant)
    }

    /// Makes every check that can be made and keeps each outcome.
    package func inspect(_ bytes: [UInt8]) -> TokenInspection {
        var inspection = TokenInspection(fingerprint: TokenFingerprint.Key.report.fingerprint(of: bytes[...]))
        let token: UnverifiedToken
        do throws(JWSFault) {
            token = try UnverifiedToken(bytes)
        } catch {
            inspection.checks = [.init(name: "form", outcome: .failed(Rejection(error)))]
            if let jws = try? CompactJWS(bytes) {
                inspection.header = (try? jws.decodedHeader()).flatMap { try? JSONDocument.object($0, limits: .token) }
                inspection.claims = try? JSONDocument.object(Array(jws.payload), limits: .token)
            }
            return inspection
        }
        inspection.header = token.header.members
        inspection.claims = try? token.unverifiedClaims.get()
        inspection.checks = [.init(name: "form", outcome: .passed)]
        guard let (judge, isOwn) = judge(of: token) else {
            let rejection = rejectionWithoutJudge(token)
            inspection.checks.append(
                .init(name: rejection.code == .malformed ? "payload" : "issuer", outcome: .failed(rejection))
            )
            return inspection
        }
        inspection.issuer = isOwn ? judge.name : nil
        let now = instant.given ?? UnixTime(seconds: 0)
        let known = judge.keys.held(at: now)?.keys
        inspection.lacksKeys = known == nil
        let keys = known ?? KeySnapshot(keys: [])
        let judgement = judgement(token, by: judge, keys: keys, at: now, .allChecks)
        let policy = judge.validator.policy
        inspection.checks += judgement.checks.map { entry in
            if entry.check == .signature, inspection.lacksKeys {
                return .init(name: entry.check.rawValue, outcome: .skipped("no keys at hand"))
            }
            if let finding = entry.finding { return .init(name: entry.check.rawValue, outcome: .failed(finding)) }
            let reason = policy.reasonToSkip(entry.check, inspection.claims)
            return .init(name: entry.check.rawValue, outcome: reason.map { .skipped($0) } ?? .passed)
        }
        return inspection
    }
}
