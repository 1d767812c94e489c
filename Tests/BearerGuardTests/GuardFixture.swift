// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting

/// An issuer with a key for every kind of algorithm, a guard that trusts it, and a clock that stands still.
struct GuardFixture {
    static let now: Int64 = 1_800_000_000
    /// Made once: RSA keys take their time.
    static let issuer: TestIssuer? = try? TestIssuer(
        algorithms: [.es256, .rs256, .ps256, .edDSA],
        clock: .fixed(UnixTime(seconds: now))
    )

    let issuer: TestIssuer
    let requestGuard: RequestGuard
    let events: RecordedEvents

    init(
        algorithms: Set<SignatureAlgorithm> = .recommended,
        preset: IssuerPreset = .standard,
        acceptedTokens: AcceptedTokens = .accessToken,
        clockSkew: Int = 0,
        requiredClaims: [String] = [],
        maximumAge: Int? = nil,
        rolePaths: [ClaimPath] = [],
        checks: [ClaimCheck] = [],
        keySet: String? = nil
    ) throws {
        guard let issuer = Self.issuer else { throw TestKeyMissing() }
        let policy = try ValidationPolicy(
            issuer: issuer.issuer,
            audience: [issuer.audience],
            algorithms: algorithms,
            preset: preset,
            acceptedTokens: acceptedTokens,
            clockSkew: clockSkew,
            requiredClaims: requiredClaims,
            maximumAge: maximumAge,
            rolePaths: rolePaths,
            checks: checks
        )
        let set = try JWKSet((keySet ?? issuer.keySet).utf8)
        let trusted = TrustedIssuer(
            uncheckedPolicy: policy,
            keys: StaticKeys(KeySnapshot(set)),
            alias: "fixture"
        )
        self.issuer = issuer
        self.events = RecordedEvents()
        self.requestGuard = try RequestGuard(
            issuers: [trusted],
            clock: .fixed(UnixTime(seconds: Self.now)),
            observer: events
        )
    }

    /// `authorized`, or the code of the refusal.
    func outcome(_ token: String, requiring requirement: Requirement = .authenticated) async -> String {
        await outcome(RequestCredentials(authorization: "Bearer \(token)"), requiring: requirement)
    }

    func outcome(_ credentials: RequestCredentials, requiring requirement: Requirement = .authenticated) async -> String
    {
        switch await requestGuard.authorize(credentials, requiring: requirement) {
        case .authorized: "authorized"
        case .anonymous: "anonymous"
        case .refused(let refusal): refusal.code.text
        }
    }

    func key(_ algorithm: SignatureAlgorithm) throws -> SigningKey {
        guard let key = issuer.signingKey(algorithm) else { throw TestKeyMissing() }
        return key
    }

    /// A token with these texts as header and payload, well signed by the issuer's ES256 key.
    func signed(header: String, payload: String) throws -> String {
        try signed(header: Array(header.utf8), payload: Array(payload.utf8))
    }

    func signed(header: [UInt8], payload: [UInt8]) throws -> String {
        let input = Base64URL.encode(header) + "." + Base64URL.encode(payload)
        return input + "." + Base64URL.encode(try key(.es256).sign(Array(input.utf8)))
    }

    /// The header of a good ES256 token.
    static let header = #"{"alg":"ES256","typ":"at+jwt","kid":"ES256-1"}"#

    /// The payload of a good token, with members added in front of the closing brace.
    static func payload(adding members: String = "") -> String {
        #"{"iss":"https://issuer.test","aud":"https://api.test","sub":"u","exp":\#(now + 300)\#(members)}"#
    }
}

struct TestKeyMissing: Error {}

extension JWKSet {
    /// A set of these keys, as an issuer would publish it.
    static func text(_ keys: JSONValue...) -> String { (["keys": .array(keys)] as JSONValue).text }
}

extension JSONValue {
    /// The object with these members set, or left out where the value is nil.
    func setting(_ changes: [String: JSONValue?]) -> JSONValue {
        var members = (objectValue?.members ?? []).map { ($0.name, $0.value) }
        for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
            members.removeAll { $0.0 == name }
            if let value { members.append((name, value)) }
        }
        return .object(members)
    }
}
