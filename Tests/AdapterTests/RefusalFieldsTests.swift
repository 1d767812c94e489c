// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if HTTPTypes
import BearerGuard
import BearerGuardHTTPTypes
import BearerGuardTesting
import HTTPTypes
import Testing

@Suite("Refusals as HTTP fields")
struct RefusalFieldsTests {
    /// The whole vocabulary, written out: a code that changes its status breaks clients.
    private static let statuses: [String: HTTPResponse.Status] = [
        "missing_token": .unauthorized,
        "multiple_tokens": .badRequest,
        "invalid_request": .badRequest,
        "too_large": .unauthorized,
        "malformed": .unauthorized,
        "critical_header": .unauthorized,
        "unsupported_alg": .unauthorized,
        "wrong_issuer": .unauthorized,
        "unknown_key": .unauthorized,
        "ambiguous_key": .unauthorized,
        "alg_mismatch": .unauthorized,
        "invalid_key": .unauthorized,
        "weak_key": .unauthorized,
        "bad_signature": .unauthorized,
        "wrong_type": .unauthorized,
        "missing_claim": .unauthorized,
        "invalid_claim": .unauthorized,
        "wrong_audience": .unauthorized,
        "expired": .unauthorized,
        "not_yet_valid": .unauthorized,
        "issued_in_future": .unauthorized,
        "revoked": .unauthorized,
        "inactive": .unauthorized,
        "cnf_mismatch": .unauthorized,
        "dpop_missing": .unauthorized,
        "dpop_invalid": .unauthorized,
        "dpop_replayed": .unauthorized,
        "dpop_nonce_required": .unauthorized,
        "insufficient_authentication": .unauthorized,
        "insufficient_scope": .forbidden,
        "keys_unavailable": .serviceUnavailable,
    ]

    private let issuer: TestIssuer
    private let requestGuard: RequestGuard

    init() throws {
        issuer = try TestIssuer()
        requestGuard = try issuer.makeGuard()
    }

    private func refusal(_ token: String?, requiring requirement: Requirement = .authenticated) async throws -> Refusal
    {
        let credentials = RequestCredentials(authorization: token.map { "Bearer \($0)" })
        return try #require(await requestGuard.authorize(credentials, requiring: requirement).refusal)
    }

    @Test("The vocabulary has 31 codes and each has a status here")
    func vocabulary() {
        #expect(RejectionCode.allCases.count == 31)
        #expect(Set(RejectionCode.allCases.map(\.text)) == Set(Self.statuses.keys))
    }

    @Test("A code has the status that clients know it by", arguments: RejectionCode.allCases)
    func status(code: RejectionCode) throws {
        #expect(HTTPResponse.Status(code: code.httpStatus) == (try #require(Self.statuses[code.text])))
    }

    @Test("A bad token is 401 with one challenge and nothing else")
    func unauthorized() async throws {
        let refusal = try await refusal(issuer.token(with: .expired))
        #expect(refusal.code == .expired)
        #expect(refusal.status == .unauthorized)
        let fields = refusal.fields
        #expect(fields.count == 1)
        #expect(
            fields[values: .wwwAuthenticate] == [
                #"Bearer realm="api", error="invalid_token", error_description="The access token expired""#
            ]
        )
    }

    @Test("A missing token is 401 with the bare challenge")
    func bareChallenge() async throws {
        let refusal = try await refusal(nil)
        #expect(refusal.code == .missingToken)
        #expect(refusal.status == .unauthorized)
        #expect(refusal.fields.count == 1)
        #expect(refusal.fields[values: .wwwAuthenticate] == [#"Bearer realm="api""#])
    }

    @Test("A missing scope is 403 and the challenge names the scopes that would do")
    func forbidden() async throws {
        let refusal = try await refusal(issuer.token(scopes: ["read"]), requiring: .scopes("read", "write"))
        #expect(refusal.code == .insufficientScope)
        #expect(refusal.status == .forbidden)
        #expect(refusal.fields.count == 1)
        #expect(
            refusal.fields[values: .wwwAuthenticate] == [
                #"Bearer realm="api", error="insufficient_scope", "#
                    + #"error_description="The access token does not grant what is required", scope="read write""#
            ]
        )
    }

    @Test("Missing keys are 503 with Retry-After and without any challenge")
    func serviceUnavailable() async throws {
        let unavailable = UnavailableKeys(retryAfter: 7)
        let trusted = try TrustedIssuer(policy: try issuer.policy(), keys: unavailable)
        let requestGuard = try RequestGuard(issuers: [trusted])
        let credentials = RequestCredentials(authorization: "Bearer \(issuer.token())")
        let refusal = try #require(await requestGuard.authorize(credentials).refusal)
        #expect(refusal.code == .keysUnavailable)
        #expect(refusal.status == .serviceUnavailable)
        #expect(refusal.fields.count == 1)
        #expect(refusal.fields[values: .wwwAuthenticate] == [])
        #expect(refusal.fields[values: .retryAfter] == ["7"])
    }

    @Test("No other refusal says when to retry")
    func onlyUnavailableKeysSayRetryAfter() async throws {
        for token in [nil, "hello", issuer.token(with: .forgedKey)] {
            #expect(try await refusal(token).fields[values: .retryAfter] == [])
        }
    }
}

/// Keys that never come.
private struct UnavailableKeys: KeySource {
    let retryAfter: Int

    private var failure: KeysUnavailable { KeysUnavailable(cause: .unreachable, retryAfter: retryAfter) }

    func current() -> KeyAvailability { .unavailable(failure) }

    func resolve(missing keyID: String?) async -> KeyResolution { .unavailable(failure) }
}
#endif
