// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Synchronization
import Testing

/// Tokens seen again: what is remembered and what is looked at anew.
@Suite("Verified-token cache")
struct VerifiedTokenCacheTests {
    private let fixture: RemoteKeysFixture

    init() throws { fixture = try RemoteKeysFixture() }

    private func makeGuard(
        _ keys: (any KeySource)? = nil,
        limits: TokenCacheLimits = .standard,
        checks: [ClaimCheck] = [],
        isRevoked: (@Sendable (AccessToken) -> Bool)? = nil
    ) throws -> RequestGuard {
        let policy = try ValidationPolicy(
            issuer: fixture.issuer.issuer,
            audience: [fixture.issuer.audience],
            algorithms: [.es256],
            checks: checks
        )
        let source = try keys ?? StaticKeys(JWKSet(fixture.issuer.keySet.utf8))
        return try RequestGuard(
            issuers: [try TrustedIssuer(policy: policy, keys: source)],
            tokenCache: limits,
            isRevoked: isRevoked,
            clock: fixture.clock.wall,
            observer: fixture.events
        )
    }

    /// Whether each decision so far was a remembered one.
    private var wasCached: [Bool] { fixture.events.decisions.map(\.wasCached) }

    @Test("A token is verified once, and is the same token each time")
    func hit() async throws {
        let guarding = try makeGuard()
        let token = fixture.issuer.token(scopes: ["read"])
        for _ in 0..<3 { #expect(await guarding.outcome(token, requiring: .scopes("read")) == "authorized") }
        #expect(wasCached == [false, true, true])
        let fingerprints = Set(fixture.events.decisions.compactMap(\.fingerprint))
        #expect(fingerprints.count == 1)
        #expect(fixture.events.decisions.map(\.keyID) == ["ES256-1", "ES256-1", "ES256-1"])
    }

    @Test("C12: a remembered token ends at its own end, to the second, and begins at its beginning")
    func time() async throws {
        let guarding = try makeGuard()
        let token = fixture.issuer.token(lifetime: 100, changes: ["nbf": .integer(GuardFixture.now)])
        #expect(await guarding.outcome(token) == "authorized")
        fixture.clock.advance(by: 129)
        #expect(await guarding.outcome(token) == "authorized")
        fixture.clock.advance(by: 1)
        #expect(await guarding.outcome(token) == "expired")
        fixture.clock.stepWall(by: -160)
        #expect(await guarding.outcome(token) == "authorized")
        fixture.clock.stepWall(by: -1)
        #expect(await guarding.outcome(token) == "not_yet_valid")
        #expect(wasCached == [false, true, false, false, false])
    }

    @Test("C12: after 300 seconds a token is verified anew, whatever its own end")
    func life() async throws {
        let guarding = try makeGuard()
        let token = fixture.issuer.token(lifetime: 100_000)
        for seconds in [0, 299, 1, 299] as [Int64] {
            fixture.clock.advance(by: seconds)
            #expect(await guarding.outcome(token) == "authorized")
        }
        #expect(wasCached == [false, true, false, true])
    }

    @Test("C12: a withdrawn key ends its tokens with the refresh that drops it; a confirmation of the set does not")
    func withdrawnKey() async throws {
        fixture.publish()
        let keys = try fixture.makeKeys()
        let guarding = try makeGuard(keys)
        let token = fixture.issuer.token()
        #expect(await guarding.outcome(token) == "authorized")
        #expect(await guarding.outcome(token) == "authorized")
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .status(304))
        fixture.publish(fields: ["ETag": "1"])
        try await keys.refreshNow()
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .status(304))
        #expect(await guarding.outcome(token) == "authorized")
        try await keys.refreshNow()
        #expect(await guarding.outcome(token) == "authorized")
        #expect(wasCached == [false, true, false, true])
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "next"))
        fixture.publish()
        try await keys.refreshNow()
        #expect(await guarding.outcome(token) == "unknown_key")
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "ES256-1"))
        fixture.publish()
        try await keys.refreshNow()
        #expect(await guarding.outcome(token) == "bad_signature")
    }

    @Test("C12: only the whole field is the key: one byte more, less or other anywhere is another token")
    func wholeToken() async throws {
        let guarding = try makeGuard()
        let token = fixture.issuer.token()
        #expect(await guarding.outcome(token) == "authorized")
        let bytes = Array(token.utf8)
        for index in stride(from: 0, to: bytes.count, by: 3) where bytes[index] != UInt8(ascii: ".") {
            var changed = bytes
            changed[index] = changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(await guarding.outcome(String(decoding: changed, as: UTF8.self)) != "authorized")
        }
        #expect(await guarding.outcome(token + "A") != "authorized")
        #expect(await guarding.outcome(String(token.dropLast())) != "authorized")
        #expect(await guarding.outcome(token) == "authorized")
        #expect(wasCached.count { $0 } == 1)
    }

    @Test("Requirement, denylist and own checks are asked about a remembered token, too")
    func asked() async throws {
        let blocked = Blocked()
        let check = ClaimCheck("blocked by a check") { claims in !blocked.contains("check " + (claims.subject ?? "")) }
        let guarding = try makeGuard(checks: [check]) { blocked.contains("deny " + ($0.subject ?? "")) }
        let token = fixture.issuer.token(scopes: ["read"])
        #expect(await guarding.outcome(token) == "authorized")
        #expect(await guarding.outcome(token, requiring: .scopes("write")) == "insufficient_scope")
        blocked.insert("deny user-1")
        #expect(await guarding.outcome(token) == "revoked")
        blocked.remove("deny user-1")
        #expect(await guarding.outcome(token) == "authorized")
        blocked.insert("check user-1")
        #expect(await guarding.outcome(token) == "invalid_claim")
        #expect(wasCached == [false, true, true, true, false])
    }

    @Test("C12: a token of one guard is nothing to another with another policy")
    func apart() async throws {
        let token = fixture.issuer.token()
        #expect(await (try makeGuard()).outcome(token) == "authorized")
        let other = try ValidationPolicy(
            issuer: fixture.issuer.issuer,
            audience: ["https://another.test"],
            algorithms: [.es256]
        )
        let keys = try StaticKeys(JWKSet(fixture.issuer.keySet.utf8))
        let guarding = try RequestGuard(
            issuers: [try TrustedIssuer(policy: other, keys: keys)],
            clock: fixture.clock.wall
        )
        #expect(await guarding.outcome(token) == "wrong_audience")
    }

    @Test("Refused tokens are not remembered, and two credentials are two, whichever is remembered")
    func refused() async throws {
        let guarding = try makeGuard()
        for _ in 0..<3 { #expect(await guarding.outcome(fixture.issuer.token(with: .forgedKey)) == "bad_signature") }
        let token = fixture.issuer.token()
        #expect(await guarding.outcome(token) == "authorized")
        let twice = RequestCredentials(authorization: ["Bearer \(token)", "Bearer \(token)"])
        #expect(await guarding.authorize(twice).refusal?.code == .multipleTokens)
        let mixed = RequestCredentials(authorization: ["Bearer \(token)"], otherTokens: [token])
        #expect(await guarding.authorize(mixed).refusal?.code == .multipleTokens)
        #expect(wasCached.allSatisfy { !$0 })
    }

    @Test("It holds no more tokens and bytes than allowed, and forgets the oldest")
    func bounds() async throws {
        let byTokens = try TokenCacheLimits(tokens: 160)
        let byBytes = try TokenCacheLimits(tokens: 100_000, bytes: 160_000)
        for limits in [byTokens, byBytes] {
            let guarding = try makeGuard(limits: limits)
            for number in 0..<600 {
                let token = fixture.issuer.token(changes: ["sub": .string("\(number)")])
                #expect(await guarding.outcome(token) == "authorized")
            }
            let size = try #require(guarding.rememberedTokens)
            #expect(size.tokens > 50 && size.tokens <= 160)
            if limits == byBytes { #expect(size.bytes <= 160_000) }
        }
        let off = try makeGuard(limits: .off)
        #expect(off.rememberedTokens?.tokens == nil)
        #expect(throws: ConfigurationError.self) { try TokenCacheLimits(tokens: 0) }
    }

    @Test("It holds nearly as many tokens as are allowed: they are spread over all of it")
    func room() async throws {
        let guarding = try makeGuard(limits: try TokenCacheLimits(tokens: 2048))
        for number in 0..<2048 {
            let token = fixture.issuer.token(changes: ["sub": .string("\(number)")])
            #expect(await guarding.outcome(token) == "authorized")
        }
        // Where more go than to other places, some of them are forgotten before it is full.
        #expect(guarding.rememberedTokens?.tokens ?? 0 > 1800)
    }

    @Test("A cache for few tokens holds no more than they are", arguments: [1, 3, 15])
    func few(_ count: Int) async throws {
        let guarding = try makeGuard(limits: try TokenCacheLimits(tokens: count))
        for number in 0..<40 {
            let token = fixture.issuer.token(changes: ["sub": .string("\(number)")])
            #expect(await guarding.outcome(token) == "authorized")
        }
        let held = guarding.rememberedTokens?.tokens ?? 0
        #expect(held >= 1 && held <= count)
    }

    @Test("Tokens that have ended make room when another comes, and a token verified anew is held once")
    func ended() async throws {
        // Of sixteen shards.
        let guarding = try makeGuard(limits: try TokenCacheLimits(tokens: 16 * 64))
        let token = fixture.issuer.token(lifetime: 100_000)
        for round in 0..<200 {
            // Each time its 300 seconds are over: removed, verified and kept anew.
            #expect(await guarding.outcome(token) == "authorized")
            #expect(guarding.rememberedTokens?.tokens == 1)
            if round == 0 { #expect(guarding.rememberedTokens?.bytes ?? 0 > 2 * token.utf8.count) }
            fixture.clock.advance(by: 300)
        }
        for number in 0..<500 {
            let other = fixture.issuer.token(lifetime: 100_000, changes: ["sub": .string("\(number)")])
            #expect(await guarding.outcome(other) == "authorized")
            fixture.clock.advance(by: 10)
        }
        // 30 of them are within their 300 seconds; a shard drops its own when one comes to it.
        #expect(guarding.rememberedTokens?.tokens ?? .max <= 30 + 16 * 2)
    }

    @Test("C12: the first token under new keys drops every token of the keys before, seen again or not")
    func earlierKeys() async throws {
        fixture.publish()
        let keys = try fixture.makeKeys()
        let guarding = try makeGuard(keys)
        for number in 0..<50 {
            let token = fixture.issuer.token(changes: ["sub": .string("\(number)")])
            #expect(await guarding.outcome(token) == "authorized")
        }
        #expect(guarding.rememberedTokens?.tokens == 50)
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "next"))
        fixture.publish()
        try await keys.refreshNow()
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(guarding.rememberedTokens?.tokens == 1)
    }

    @Test("More spaces before a token make no second entry of it", arguments: ["Bearer  ", "Bearer     "])
    func spaces(_ prefix: String) async throws {
        let guarding = try makeGuard()
        let token = fixture.issuer.token()
        let credentials = RequestCredentials(authorization: prefix + token)
        for _ in 0..<3 { #expect(await guarding.authorize(credentials).accessToken != nil) }
        #expect(guarding.rememberedTokens?.tokens == 0)
        #expect(wasCached == [false, false, false])
    }

    @Test("Many tasks at once get the right answers, each for its own token")
    func concurrent() async throws {
        let guarding = try makeGuard(limits: try TokenCacheLimits(tokens: 64))
        let tokens = (0..<32).map { (number: $0, text: fixture.issuer.token(changes: ["sub": .string("user-\($0)")])) }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<200 {
                        let token = tokens[round * 7 % tokens.count]
                        let decision = await guarding.authorize(.init(authorization: "Bearer \(token.text)"))
                        if decision.accessToken?.subject != "user-\(token.number)" { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }
}

/// Texts that a test blocks while a guard asks.
private final class Blocked: Sendable {
    private let state = Mutex<Set<String>>([])

    func contains(_ text: String) -> Bool { state.withLock { $0.contains(text) } }
    func insert(_ text: String) { state.withLock { _ = $0.insert(text) } }
    func remove(_ text: String) { state.withLock { _ = $0.remove(text) } }
}
