// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Keys over a scripted network, with a clock that a test moves.
@Suite("Remote keys")
struct RemoteKeysTests {
    private static let jwksURL = "https://issuer.test/jwks"
    private static let metadataURL = "https://issuer.test/.well-known/openid-configuration"

    private let issuer: TestIssuer
    private let fetcher = ScriptedFetcher()
    private let clock = ManualClock(seconds: GuardFixture.now)
    private let events = RecordedEvents()

    init() throws {
        issuer = try TestIssuer(clock: .fixed(UnixTime(seconds: GuardFixture.now)))
    }

    private func makeGuard() throws -> RequestGuard {
        let policy = RefreshPolicy.standard.jittered { 0 }
        let keys = try RemoteKeys(
            jwksURL: Self.jwksURL,
            fetcher: fetcher,
            policy: policy,
            clock: clock.withoutPauses,
            onRefresh: events.keyRefreshes
        )
        let trusted = try TrustedIssuer(policy: issuer.policy(), keys: keys)
        return try RequestGuard(issuers: [trusted], clock: .fixed(UnixTime(seconds: GuardFixture.now)))
    }

    private func outcome(_ requestGuard: RequestGuard, _ token: String) async -> String {
        switch await requestGuard.authorize(RequestCredentials(authorization: "Bearer \(token)")) {
        case .authorized(let token): token.usesStaleKeys ? "authorized by stale keys" : "authorized"
        case .anonymous: "anonymous"
        case .refused(let refusal): refusal.code.text
        }
    }

    @Test("The first token fetches the keys, a thousand more fetch nothing")
    func firstFetch() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let requestGuard = try makeGuard()
        let token = issuer.token()
        for _ in 0..<1000 { #expect(await outcome(requestGuard, token) == "authorized") }
        #expect(fetcher.count(of: Self.jwksURL) == 1)
        #expect(events.refreshes.map(\.keyIDs) == [["ES256-1"]])
    }

    @Test("H12: a hundred requests at once share one fetch; one that is cancelled is refused and does not end it")
    func singleFlight() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        fetcher.hold()
        let requestGuard = try makeGuard()
        let token = issuer.token()
        let outcomes = await withTaskGroup(of: String.self) { group in
            let cancelled = Task { await outcome(requestGuard, token) }
            await fetcher.arrival(of: 1)
            for _ in 0..<99 { group.addTask { await self.outcome(requestGuard, token) } }
            cancelled.cancel()
            #expect(await cancelled.value == "keys_unavailable")
            fetcher.release()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.allSatisfy { $0 == "authorized" })
        #expect(fetcher.requests.count == 1)
    }

    @Test("A key that is new is fetched within the same request, after the cooldown; the withdrawn one stops")
    func rotation() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let requestGuard = try makeGuard()
        let old = issuer.token()
        #expect(await outcome(requestGuard, old) == "authorized")
        clock.advance(by: 30)
        issuer.replace(.es256, by: try SigningKey(.es256, keyID: "ES256-2"))
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        #expect(await outcome(requestGuard, old) == "unknown_key")
        #expect(fetcher.requests.count == 2)
    }

    @Test("J1: ten thousand unknown kids cause one fetch, and known keys never wait for it")
    func flood() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        clock.advance(by: 30)
        let rest = issuer.token().drop { $0 != "." }
        var refused = 0
        for number in 0..<10_000 {
            let header = Base64URL.encode(#"{"alg":"ES256","typ":"at+jwt","kid":"unknown-\#(number)"}"#.utf8)
            if await outcome(requestGuard, header + rest) == "unknown_key" { refused += 1 }
        }
        #expect(refused == 10_000)
        #expect(fetcher.requests.count == 2)
    }

    @Test("A bad signature under a known key never fetches")
    func forgeryFetchesNothing() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        clock.advance(by: 30)
        #expect(await outcome(requestGuard, issuer.token(with: .forgedKey)) == "bad_signature")
        #expect(fetcher.requests.count == 1)
    }

    @Test(
        "J6: while the issuer is down old keys serve on, flagged, and unknown ones are 503",
        arguments: [
            .failure(.connection), .failure(.timeout), .status(500), .status(204), .json("<html>"),
            .json(#"{"keys":[]}"#),
            .json(#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#), .failure(.tooLarge), .failure(.tls), .status(302),
        ] as [ScriptedFetcher.Answer]
    )
    func outage(_ answer: ScriptedFetcher.Answer) async throws {
        let policy = RefreshPolicy.standard.jittered { 0 }
        let keys = try RemoteKeys(
            jwksURL: Self.jwksURL,
            fetcher: fetcher,
            policy: policy,
            clock: clock.withoutPauses
        )
        let trusted = try TrustedIssuer(policy: issuer.policy(), keys: keys)
        let requestGuard = try RequestGuard(issuers: [trusted], clock: .fixed(UnixTime(seconds: GuardFixture.now)))
        fetcher.script(Self.jwksURL, .json(issuer.keySet, fields: ["Cache-Control": "max-age=60"]), answer)
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        clock.advance(by: 60)
        #expect(await outcome(requestGuard, issuer.token()) == "authorized by stale keys")
        #expect(await outcome(requestGuard, issuer.token(header: ["kid": "new"])) == "keys_unavailable")
        #expect(await outcome(requestGuard, issuer.token()) == "authorized by stale keys")
    }

    @Test("J9: one broken key does not spoil the set")
    func brokenEntry() async throws {
        let good = try #require(issuer.signingKey()).jwk
        let set = JWKSet.text(["kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken"], .null, 7, ["kty": "PQC"], good)
        fetcher.script(Self.jwksURL, .json(set))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        #expect(events.refreshes.map(\.unusableKeys) == [4])
    }

    @Test(
        "J9: an entry that cannot even be read does not spoil the set",
        arguments: [
            #"{"kty":"RSA","kid":"a","kid":"b"}"#, #"{"kty":"EC","x":{"deep":{"a":1,"a":2}}}"#,
            #"{"kty":"OKP","\u0078":"a","x":"b"}"#,
            String(repeating: "[", count: 40) + String(repeating: "]", count: 40), #"{"kty":"RSA","x":1e400}"#,
            #"{"kty":"RSA","x":-1.5E+999,"x":123456789012345678901234567890}"#, "1e999", "-9999e9999",
        ]
    )
    func unreadableEntry(_ entry: String) async throws {
        let good = try #require(issuer.signingKey()).jwk.text
        fetcher.script(Self.jwksURL, .json(#"{ "note" : [1, {"keys": "]"}] , "keys" : [\#(entry), 12e3 ,\#(good) ] }"#))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        #expect(events.refreshes.map(\.unusableKeys) == [2])
    }

    @Test(
        "A key set with two members 'keys', or with text behind it, is none",
        arguments: [
            #"{"keys":[GOOD],"keys":[]}"#, #"{"keys":[GOOD]} x"#, #"{"keys":[GOOD],"k\u0065ys":[]}"#,
            #"{"keys":[GOOD],"a":1e}"#, #"{"keys":[GOOD],"a":01e400}"#, #"{"keys":[GOOD],"a":1e400.}"#,
            #"{"keys":[GOOD],"a":-}"#,
        ]
    )
    func brokenSet(_ template: String) async throws {
        let good = try #require(issuer.signingKey()).jwk.text
        fetcher.script(Self.jwksURL, .json(template.replacing("GOOD", with: good)))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "keys_unavailable")
    }

    @Test("J11: an issuer that is not configured causes no request")
    func unknownIssuer() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token(with: .wrongIssuer)) == "wrong_issuer")
        #expect(fetcher.requests.isEmpty)
    }

    @Test(
        "J12: metadata of another issuer, or with a jwks_uri that is not https, is refused",
        arguments: [
            #"{"issuer":"https://other.test","jwks_uri":"https://issuer.test/jwks"}"#,
            #"{"issuer":"https://issuer.test/","jwks_uri":"https://issuer.test/jwks"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"http://issuer.test/jwks"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://169.254.169.254/jwks"}"#,
            #"{"issuer":"https://issuer.test"}"#, "<html>",
        ]
    )
    func badMetadata(_ metadata: String) async throws {
        fetcher.script(Self.metadataURL, .json(metadata))
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let keys = try RemoteKeys(discovering: issuer.issuer, fetcher: fetcher, clock: clock.withoutPauses)
        await #expect(throws: KeysUnavailable.self) { try await keys.warmUp() }
        #expect(fetcher.count(of: Self.jwksURL) == 0)
    }

    @Test("Keys are found by OpenID Connect Discovery, else by RFC 8414 with its path inserted")
    func discovery() async throws {
        let inserted = "https://issuer.test/.well-known/oauth-authorization-server/tenant"
        let metadata = #"{"issuer":"https://issuer.test/tenant","jwks_uri":"https://issuer.test/jwks"}"#
        fetcher.script("https://issuer.test/tenant/.well-known/openid-configuration", .status(404))
        fetcher.script(inserted, .json(metadata))
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        let keys = try RemoteKeys(
            discovering: "https://issuer.test/tenant",
            fetcher: fetcher,
            clock: clock.withoutPauses
        )
        try await keys.warmUp()
        #expect(fetcher.requests.map(\.url).suffix(2) == [inserted, Self.jwksURL])
    }

    @Test(
        "J10: only https is fetched, or http from loopback by an option; no user info, no metadata service",
        arguments: [
            "http://issuer.test", "ftp://issuer.test", "file:///etc/passwd", "data:,x", "https://user@issuer.test",
            "https://", "https://issuer.test/#x", "https://issuer.test/ x", "https://169.254.169.254/x",
            "http://127.0.0.1",
            "https://[fe80::1]/", "https://metadata.google.internal/",
        ]
    )
    func addresses(_ url: String) {
        #expect(throws: ConfigurationError.self) { try RemoteKeys(jwksURL: url, fetcher: fetcher) }
    }

    @Test("J10: http from loopback needs its option")
    func loopback() throws {
        for host in ["127.0.0.1:8080", "localhost", "[::1]:9"] {
            #expect(throws: Never.self) {
                try RemoteKeys(jwksURL: "http://\(host)/jwks", fetcher: fetcher, allowsLoopbackHTTP: true)
            }
        }
        #expect(throws: ConfigurationError.self) {
            try RemoteKeys(jwksURL: "http://127.0.0.1.attacker.test/", fetcher: fetcher, allowsLoopbackHTTP: true)
        }
    }

    @Test("J13: a kid of one issuer says nothing of another's")
    func islands() async throws {
        let other = try TestIssuer(issuer: "https://other.test", clock: .fixed(UnixTime(seconds: GuardFixture.now)))
        var trusted: [TrustedIssuer] = []
        for each in [issuer, other] {
            trusted.append(try TrustedIssuer(policy: each.policy(), keys: StaticKeys(JWKSet(each.keySet.utf8))))
        }
        let requestGuard = try RequestGuard(issuers: trusted, clock: .fixed(UnixTime(seconds: GuardFixture.now)))
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        #expect(await outcome(requestGuard, other.token()) == "authorized")
        let crossed = issuer.token(changes: ["iss": "https://other.test"])
        #expect(await outcome(requestGuard, crossed) == "bad_signature")
    }

    @Test("J18: a step of the wall clock changes nothing about the age of keys", arguments: [-600, 600] as [Int64])
    func clockStep(_ seconds: Int64) async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet, fields: ["cache-control": "max-age=60"]))
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        clock.stepWall(by: seconds)
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        #expect(fetcher.requests.count == 1)
    }

    @Test("A refresh asks with the entity tag, and 304 prolongs the life of the keys at hand")
    func revalidation() async throws {
        fetcher.script(
            Self.jwksURL,
            .json(issuer.keySet, fields: ["ETag": "\"v1\"", "Cache-Control": "max-age=100"]),
            .status(304)
        )
        let requestGuard = try makeGuard()
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        clock.advance(by: 85)
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
        await events.refreshes(count: 2)
        #expect(fetcher.requests.map(\.entityTag) == [nil, "\"v1\""])
        clock.advance(by: 100)
        #expect(await outcome(requestGuard, issuer.token()) == "authorized")
    }

    @Test("The issuer's Retry-After is what the caller is told")
    func retryAfter() async throws {
        fetcher.script(Self.jwksURL, .status(503, fields: ["Retry-After": "42"]))
        let keys = try RemoteKeys(jwksURL: Self.jwksURL, fetcher: fetcher, clock: clock.withoutPauses)
        let failure = await #expect(throws: KeysUnavailable.self) { try await keys.warmUp() }
        #expect(failure?.retryAfter == 42)
    }

    @Test("At most 256 requests wait for one fetch; the next is told to come back")
    func waiters() async throws {
        fetcher.script(Self.jwksURL, .json(issuer.keySet))
        fetcher.hold()
        let keys = try RemoteKeys(jwksURL: Self.jwksURL, fetcher: fetcher, clock: clock.withoutPauses)
        let turnedAway = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<300 {
                group.addTask {
                    if case .unavailable = await keys.resolve(missing: nil) { true } else { false }
                }
            }
            // Those turned away come back while the others still wait.
            var count = 0
            for _ in 0..<44 { if await group.next() == true { count += 1 } }
            fetcher.release()
            for await isTurnedAway in group where isTurnedAway { count += 1 }
            return count
        }
        #expect(turnedAway == 44)
        #expect(fetcher.requests.count == 1)
    }
}
