// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What must hold of one issuer's tokens.
///
/// Everything that security rests on is a required argument, and everything is checked here, once.
public struct ValidationPolicy: Sendable {
    enum IssuerRule: Sendable {
        case exactly(String)
        case tenants(IssuerTemplate, AcceptedTenants)
        case unchecked
    }

    enum AudienceRule: Sendable {
        case audience
        case clientID
        case unchecked
    }

    let issuerRule: IssuerRule
    let audienceRule: AudienceRule
    /// What `aud`, or with ``AudienceRule/clientID`` `client_id`, may name; empty where it is unchecked.
    private(set) var audience: [String]
    /// The algorithms that are accepted.
    public let algorithms: Set<SignatureAlgorithm>
    let allowedAlgorithms: AllowedAlgorithms
    /// Which kinds of token are accepted.
    public let acceptedTokens: AcceptedTokens
    /// Seconds by which clocks may differ.
    public let clockSkew: Int
    /// Seconds after `iat` when a token is refused whatever `exp` says; nil for no such limit.
    public let maximumAge: Int?
    /// Where roles and groups stand.
    public let rolePaths: [ClaimPath]
    /// What the authorization server does differently.
    public let preset: IssuerPreset
    let requiredClaims: [String]
    let checks: [ClaimCheck]
    let requiresExpiration: Bool

    /// The issuer that tokens must name, or its template; empty in a policy that leaves it unchecked.
    public var issuer: String {
        switch issuerRule {
        case .exactly(let issuer): issuer
        case .tenants(let template, _): template.text
        case .unchecked: ""
        }
    }

    /// The same with an audience in memory of its own, which every token is compared with.
    package var copy: ValidationPolicy {
        var copy = self
        copy.audience = audience.map(\.copy)
        return copy
    }

    var isMultiTenant: Bool { if case .tenants = issuerRule { true } else { false } }

    /// Whether tokens of this issuer are judged by the policy though it is not its very name.
    package func isTemplate(of issuer: String) -> Bool {
        guard case .tenants(let template, _) = issuerRule else { return false }
        return template.tenant(of: issuer) != nil
    }

    /// A policy for one issuer.
    ///
    /// - Parameters:
    ///   - issuer: `iss`, compared code point by code point.
    ///   - audience: at least one; a token must name one of them.
    ///   - algorithms: at least one; see `.recommended` and `.okta`.
    ///   - preset: what the authorization server does differently.
    ///   - acceptedTokens: which kinds of token to take.
    ///   - clockSkew: seconds by which clocks may differ, 0 to 300.
    ///   - requiredClaims: claims that must be there and not null.
    ///   - maximumAge: seconds after `iat`, which is then required; at least 1.
    ///   - rolePaths: where roles and groups stand, beyond those of the preset.
    ///   - checks: checks of your own.
    ///   - tenants: whose tokens to take, for a preset of many tenants and for no other.
    /// - Throws: ``ConfigurationError`` when a value is missing, out of range, or a placeholder.
    public init(
        issuer: String,
        audience: [String],
        algorithms: Set<SignatureAlgorithm>,
        preset: IssuerPreset = .standard,
        acceptedTokens: AcceptedTokens = .accessToken,
        clockSkew: Int = 30,
        requiredClaims: [String] = [],
        maximumAge: Int? = nil,
        rolePaths: [ClaimPath] = [],
        checks: [ClaimCheck] = [],
        tenants: AcceptedTenants? = nil
    ) throws(ConfigurationError) {
        guard !issuer.isEmpty else { throw ConfigurationError("issuer is empty: name the 'iss' of the tokens") }
        if let fault = preset.fault(of: issuer) { throw ConfigurationError("issuer: \(fault)") }
        guard !audience.isEmpty, !audience.contains("") else {
            throw ConfigurationError("audience is empty: name what tokens for this API carry in 'aud'")
        }
        guard !algorithms.isEmpty else {
            throw ConfigurationError("algorithms is empty: name those the issuer signs with")
        }
        guard algorithms.allSatisfy(\.isSymmetric) || !algorithms.contains(where: \.isSymmetric) else {
            throw ConfigurationError(
                "algorithms mixes HMAC with public-key ones: whoever holds a public key could forge; use one kind"
            )
        }
        guard (0...300).contains(clockSkew) else { throw ConfigurationError("clockSkew must be 0 to 300 seconds") }
        if let maximumAge, maximumAge < 1 { throw ConfigurationError("maximumAge must be at least 1 second") }
        if case .types(let types) = acceptedTokens.rule, types.isEmpty || types.contains("") {
            throw ConfigurationError("tokenTypes is empty")
        }
        let issuerRule: IssuerRule
        if preset.isMultiTenant, let template = IssuerTemplate(issuer) {
            guard let tenants, tenants != .listed([]) else {
                throw ConfigurationError("tenants is missing: list the tenants you serve, or say 'any'")
            }
            if case .listed(let names) = tenants, let name = names.first(where: { !IssuerTemplate.isIdentifier($0) }) {
                throw ConfigurationError(
                    "tenants holds '\(name.escapedForLogs)', which is no tenant identifier: a UUID in lower case"
                )
            }
            issuerRule = .tenants(template, tenants)
        } else {
            guard tenants == nil else {
                throw ConfigurationError("tenants is for presets of many tenants, such as entra-multi-tenant")
            }
            issuerRule = .exactly(issuer)
        }
        self.init(
            issuerRule: issuerRule,
            audienceRule: preset.audienceIsClientID ? .clientID : .audience,
            audience: audience,
            algorithms: algorithms,
            preset: preset,
            acceptedTokens: acceptedTokens,
            clockSkew: clockSkew,
            requiredClaims: requiredClaims,
            maximumAge: maximumAge,
            rolePaths: rolePaths,
            checks: checks,
            requiresExpiration: true
        )
    }

    private init(
        issuerRule: IssuerRule,
        audienceRule: AudienceRule,
        audience: [String],
        algorithms: Set<SignatureAlgorithm>,
        preset: IssuerPreset,
        acceptedTokens: AcceptedTokens,
        clockSkew: Int,
        requiredClaims: [String],
        maximumAge: Int?,
        rolePaths: [ClaimPath],
        checks: [ClaimCheck],
        requiresExpiration: Bool
    ) {
        self.issuerRule = issuerRule
        self.audienceRule = audienceRule
        self.audience = audience
        self.algorithms = algorithms
        self.allowedAlgorithms = AllowedAlgorithms(algorithms)
        self.acceptedTokens = acceptedTokens
        self.clockSkew = clockSkew
        self.maximumAge = maximumAge
        self.rolePaths = preset.rolePaths + rolePaths
        self.preset = preset
        self.requiredClaims = acceptedTokens.requiredClaims + preset.requiredClaims + requiredClaims
        self.checks = checks
        self.requiresExpiration = requiresExpiration
    }

    /// A policy with holes, for test vectors, inspection and audits that ask less.
    ///
    /// A server has no use for it.
    package static func unsafeWithHoles(
        issuer: String?,
        audience: [String]?,
        algorithms: Set<SignatureAlgorithm>,
        acceptedTokens: AcceptedTokens,
        clockSkew: Int,
        requiredClaims: [String] = [],
        requiresExpiration: Bool = true
    ) -> ValidationPolicy {
        ValidationPolicy(
            issuerRule: issuer.map { .exactly($0) } ?? .unchecked,
            audienceRule: audience == nil ? .unchecked : .audience,
            audience: audience ?? [],
            algorithms: algorithms,
            preset: .standard,
            acceptedTokens: acceptedTokens,
            clockSkew: clockSkew,
            requiredClaims: requiredClaims,
            maximumAge: nil,
            rolePaths: [],
            checks: [],
            requiresExpiration: requiresExpiration
        )
    }

    /// Why a check that found nothing had nothing to look at; nil where it did.
    package func reasonToSkip(_ check: TokenValidator.Check, _ claims: JSONObject?) -> String? {
        switch check {
        case .issuer: if case .unchecked = issuerRule { "no issuer was given" } else { nil }
        case .audience: if case .unchecked = audienceRule { "no audience was given" } else { nil }
        case .notBefore: claims?[.notBefore] == nil ? "no nbf in the token" : nil
        case .issuedAt: claims?[.issuedAt] == nil ? "no iat in the token" : nil
        case .scopes: claims?["scope"] == nil && claims?["scp"] == nil ? "no scopes in the token" : nil
        case .requiredClaims: requiredClaims.isEmpty ? "none are required" : nil
        case .customChecks: checks.isEmpty ? "there are none" : nil
        case .binding: claims?[.confirmation] == nil ? "the token is not bound" : "a token alone cannot show it"
        case .algorithm, .payload, .signature, .type, .expiration, .claimTypes, .requirement: nil
        }
    }
}
