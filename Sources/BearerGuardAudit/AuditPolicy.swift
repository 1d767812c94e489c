// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard

/// What an audit judges by: issuers with their keys, and the time.
public struct AuditPolicy: Sendable {
    /// The time a token is judged at.
    public enum Instant: Sendable, Hashable {
        /// When it was captured, as its line says.
        case captured
        /// One time for all.
        case at(UnixTime)

        /// The one time for all.
        var given: UnixTime? { if case .at(let time) = self { time } else { nil } }
    }

    let instant: Instant
    private let issuers: [ExactString: Judge]
    /// Some of them, to be compared one by one.
    private var few: [(name: String, judge: Judge)]
    /// Judges tokens of an issuer that is not known, where all issuers share one key set.
    private var fallback: Judge?
    private let requirement: Requirement
    let knownHeaders = KnownHeaders()

    final class Judge: Sendable {
        /// The issuer's, as reports have it; nil where the policy names none.
        let name: String?
        let validator: TokenValidator
        let setting: VerifiedToken.Setting
        let keys: JudgeKeys

        convenience init(_ issuer: TrustedIssuer, _ keys: JudgeKeys) {
            let setting = VerifiedToken.Setting(
                issuerAlias: issuer.alias,
                rolePaths: issuer.policy.rolePaths,
                fingerprintKey: .report
            )
            self.init(issuer.alias.isEmpty ? nil : issuer.alias, issuer.policy, setting, keys)
        }

        private init(
            _ name: String?,
            _ policy: ValidationPolicy,
            _ setting: VerifiedToken.Setting,
            _ keys: JudgeKeys
        ) {
            self.name = name
            // A capture says nothing of the sender: whether a bound token came with its proof stays open.
            validator = TokenValidator(policy: policy, binding: .unknown)
            self.setting = setting
            self.keys = keys
        }

        /// The same, with objects of its own.
        var copy: Judge { Judge(name, validator.policy.copy, setting, keys.copy) }

        /// The key identifiers that exist, so that a report counts by key and not by what tokens claim.
        var keyIDs: [String] {
            keys.all.compactMap(\.keyID)
        }
    }

    /// Judges by trusted issuers, each with keys of its own.
    ///
    /// - Parameters:
    ///   - issuers: the trusted issuers; their keys are those at hand now, as an audit waits for none.
    ///   - requirement: what every token must meet beyond being valid.
    ///   - archive: gives issuers whose keys would have to be fetched the keys of the time that a token is judged at.
    ///   - instant: the time to judge at.
    /// - Throws: ``ConfigurationError`` when the archive cannot be read.
    public init(
        issuers: [TrustedIssuer],
        requiring requirement: Requirement = .authenticated,
        archive: KeyArchive? = nil,
        instant: Instant
    ) throws(ConfigurationError) {
        var judges: [Judge] = []
        for issuer in issuers {
            let keys: JudgeKeys
            if let archive, issuer.keys is OfflineKeys {
                keys = JudgeKeys(archived: try archive.history(of: issuer.policy.issuer))
            } else {
                keys = JudgeKeys(issuer.keys)
            }
            judges.append(Judge(issuer, keys))
        }
        self.init(issuers, judges, instant: instant, sharesKeys: false, requirement: requirement)
    }

    /// Judges by one key set.
    ///
    /// - Parameters:
    ///   - keySet: serves all issuers.
    ///   - issuers: the accepted issuers; none leaves `iss` unchecked.
    ///   - audience: the accepted audiences; none leaves `aud` unchecked.
    ///   - algorithms: the accepted algorithms.
    ///   - types: the accepted `typ`; nil for access tokens as issuers really send them.
    ///   - clockSkew: seconds, 0 to 300.
    ///   - instant: the time to judge at.
    /// - Throws: ``ConfigurationError`` when no key can be used, or a value is out of range.
    public init(
        keySet: JWKSet,
        issuers: [String],
        audience: [String],
        algorithms: Set<SignatureAlgorithm>,
        types: [String]?,
        clockSkew: Int,
        instant: Instant
    ) throws(ConfigurationError) {
        let keys = try StaticKeys(keySet)
        guard (0...300).contains(clockSkew) else { throw ConfigurationError("clock skew must be 0 to 300 seconds") }
        let accepted = types.map { AcceptedTokens.types($0) } ?? .accessToken
        let names: [String?] = issuers.isEmpty ? [nil] : issuers
        let trusted = names.map { name in
            TrustedIssuer(
                uncheckedPolicy: .unsafeWithHoles(
                    issuer: name,
                    audience: audience.isEmpty ? nil : audience,
                    algorithms: algorithms,
                    acceptedTokens: accepted,
                    clockSkew: clockSkew
                ),
                keys: keys,
                alias: name.map(\.escapedForLogs) ?? ""
            )
        }
        self.init(trusted, trusted.map { Judge($0, JudgeKeys(keys)) }, instant: instant, sharesKeys: true)
    }

    init(holdingNoKeys issuer: TrustedIssuer, _ instant: Instant) {
        self.init([issuer], [Judge(issuer, JudgeKeys(issuer.keys))], instant: instant, sharesKeys: true)
    }

    private init(
        _ issuers: [TrustedIssuer],
        _ judges: [Judge],
        instant: Instant,
        sharesKeys: Bool,
        requirement: Requirement = .authenticated
    ) {
        self.requirement = requirement
        self.instant = instant
        self.issuers = Dictionary(
            zip(issuers.map { ExactString($0.policy.issuer) }, judges),
            uniquingKeysWith: { first, _ in first }
        )
        few = self.issuers.prefix(8).map { ($0.key.text, $0.value) }
        self.fallback = sharesKeys ? judges.first : nil
    }

    /// The same with objects of its own for what nearly all tokens are judged by: threads that judge by them meet at no
    /// reference count.
    var copy: AuditPolicy {
        var copy = self
        copy.few = few.map { ($0.name.copy, $0.judge.copy) }
        copy.fallback = fallback?.copy
        return copy
    }

    /// The issuers' names with their keys, for the summary.
    var knownKeys: Set<ExactString> {
        Set(issuers.values.flatMap { judge in judge.keyIDs.map { ExactString($0) } })
    }

    /// Makes every check on a token, the requirement last and only on a token that passed all others.
    func judgement(
        _ token: UnverifiedToken,
        by judge: Judge,
        keys: KeySnapshot,
        at now: UnixTime,
        _ extent: TokenValidator.Extent
    ) -> TokenValidator.Judgement {
        var judgement = judge.validator.judge(token, keys: keys, at: now, extent: extent)
        // A requirement that asks nothing need not have the token made for it.
        if requirement.isOpen { return judgement }
        let verified = judge.validator.verifiedToken(
            judgement,
            of: token,
            setting: judge.setting
        )
        if let verified {
            let isMet = requirement.isMet(by: AccessToken(verified))
            let finding = isMet ? nil : Rejection(.insufficientScope, "the requirement of the policy is not met")
            judgement.checks.append((.requirement, finding))
            if let finding { judgement.findings.append(finding) }
        }
        return judgement
    }

    func judge(of token: UnverifiedToken) -> (judge: Judge, isOwn: Bool)? {
        // Nearly always of the few issuers there are, whose names need not be made of the token to be compared.
        let few = few.span
        for index in few.indices where token.isIssued(by: few[index].name) { return (few[index].judge, true) }
        if let name = token.unverifiedIssuer?.stringValue {
            let template = issuers.values.lazy.filter { $0.validator.policy.isTemplate(of: name) }
            if let own = issuers[ExactString(name)] ?? template.first { return (own, true) }
        }
        // An audit that leaves `iss` open has one judge, under the empty name.
        return fallback.map { ($0, $0.validator.policy.issuer.isEmpty) }
    }

    /// Why there is no judge of a token: as a guard would say it.
    func rejectionWithoutJudge(_ token: UnverifiedToken) -> Rejection {
        let claims: JSONObject
        do throws(JSONError) { claims = try token.unverifiedClaims.get() } catch { return Rejection(error) }
        do throws(Rejection) { _ = try claims.issuer() } catch { return error }
        return Rejection(.wrongIssuer, "iss is not a trusted issuer")
    }
}
