// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Synchronization
import Testing

/// Keys through start-up, rotation, outage and the end of their owner.
@Suite("Remote keys: their life")
struct RemoteKeysLifeTests {
    private let fixture: RemoteKeysFixture

    init() throws { fixture = try RemoteKeysFixture() }

    @Test("T2: a bad signature under a known kid fetches nothing, however often")
    func badSignature() async throws {
        fixture.publish()
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        for _ in 0..<100 { #expect(await guarding.outcome(fixture.issuer.token(with: .forgedKey)) == "bad_signature") }
        #expect(fixture.fetcher.requests.count == 1)
    }

    @Test("T3: keys that end while the source is down serve on for a day, then 503 and never an accept")
    func downAtExpiry() async throws {
        fixture.fetcher.script(
            RemoteKeysFixture.jwksURL,
            .json(fixture.issuer.keySet, fields: ["Cache-Control": "max-age=60"]),
            .failure(.connection)
        )
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        let token = fixture.issuer.token(lifetime: 200_000)
        #expect(await guarding.outcome(token) == "authorized")
        for _ in 0..<143 {
            fixture.clock.advance(by: 600)
            #expect(await guarding.outcome(token) == "authorized by stale keys")
        }
        fixture.clock.advance(by: 600)
        #expect(await guarding.outcome(token) == "keys_unavailable")
        fixture.clock.advance(by: 3600)
        #expect(await guarding.outcome(token) == "keys_unavailable")
        #expect(guarding.isReady == false)
    }

    @Test("T4: an unknown kid is 503 while the source is down, 401 while it is up")
    func unknownKey() async throws {
        fixture.publish()
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        let stranger = fixture.issuer.token(header: ["kid": "nobody"])
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(await guarding.outcome(stranger) == "unknown_key")
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .failure(.timeout))
        fixture.clock.advance(by: 31)
        #expect(await guarding.outcome(stranger) == "keys_unavailable")
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        fixture.publish()
        fixture.clock.advance(by: 31)
        #expect(await guarding.outcome(stranger) == "unknown_key")
    }

    @Test("T5: a set full of keys that nobody should publish serves its one good key")
    func mixedSet() async throws {
        let good = try #require(fixture.issuer.signingKey())
        let small = try SigningKey(.rs256, keyID: "small", bits: 1024).jwk
        let others: [JSONValue] = [
            ["kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "oct"],
            ["kty": "AKP", "alg": "ML-DSA-44", "kid": "akp", "pub": "AAAA"], small,
            ["kty": "EC", "crv": "P-256", "kid": "twice", "x": "AA", "y": "AA"],
            ["kty": "EC", "crv": "P-256", "kid": "twice", "x": "AA", "y": "AA"],
            try SigningKey(.es256, keyID: "enc").jwk.setting(["use": "enc"]),
            try SigningKey(.es256, keyID: nil).jwk,
        ]
        fixture.fetcher.script(
            RemoteKeysFixture.jwksURL,
            .json((["keys": .array(others + [good.jwk])] as JSONValue).text)
        )
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(await guarding.outcome(fixture.issuer.token(header: ["kid": "enc"])) == "alg_mismatch")
        #expect(await guarding.outcome(fixture.issuer.token(header: ["kid": "twice"])) == "invalid_key")
        #expect(fixture.events.refreshes.first?.unusableKeys == 6)
    }

    @Test("T6: an unknown kid beside the only key of its type is unknown, not that key")
    func soleKey() async throws {
        fixture.publish()
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        #expect(await guarding.outcome(fixture.issuer.token(header: ["kid": "another"])) == "unknown_key")
    }

    @Test("T7: issuers are islands: equal kids never mix, and one issuer's outage and flood touch no other")
    func islands() async throws {
        let fetcher = fixture.fetcher
        let other = try TestIssuer(issuer: "https://other.test", clock: .fixed(UnixTime(seconds: GuardFixture.now)))
        fixture.publish()
        fetcher.script("https://other.test/jwks", .failure(.connection))
        let otherKeys = try RemoteKeys(
            jwksURL: "https://other.test/jwks",
            fetcher: fetcher,
            clock: fixture.clock.withoutPauses
        )
        let guarding = try RequestGuard(
            issuers: [
                try TrustedIssuer(policy: fixture.issuer.policy(), keys: fixture.makeKeys()),
                try TrustedIssuer(policy: other.policy(), keys: otherKeys),
            ],
            clock: .fixed(UnixTime(seconds: GuardFixture.now))
        )
        #expect(await guarding.outcome(other.token()) == "keys_unavailable")
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(
            await guarding.outcome(fixture.issuer.token(changes: ["iss": "https://other.test"])) == "keys_unavailable"
        )
        fetcher.script("https://other.test/jwks", .json(other.keySet))
        fixture.clock.advance(by: 2)
        for number in 0..<50 {
            #expect(await guarding.outcome(other.token(header: ["kid": .string("flood-\(number)")])) == "unknown_key")
        }
        #expect(await guarding.outcome(fixture.issuer.token(changes: ["iss": "https://other.test"])) == "bad_signature")
        // The other issuer's search has used nothing of this one's.
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "new"))
        fixture.publish()
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(guarding.status().map(\.keys.state) == [.fresh, .fresh])
    }

    @Test(
        "T8: audiences that differ by scheme, slash or case are different",
        arguments: ["http://api.test", "https://api.test/", "https://API.test", "https://api.test "]
    )
    func audiences(_ audience: String) async throws {
        fixture.publish()
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        #expect(await guarding.outcome(fixture.issuer.token(changes: ["aud": .string(audience)])) == "wrong_audience")
    }

    @Test("T16: ten thousand cold requests make one fetch; cancelling the first ends nobody else's wait")
    func coldCrowd() async throws {
        fixture.publish()
        fixture.fetcher.hold()
        let keys = try fixture.makeKeys(policy: try RefreshPolicy(waiters: 10_000))
        let first = Task { await keys.resolve(missing: nil) }
        await fixture.fetcher.arrival(of: 1)
        let served = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<9_999 {
                group.addTask {
                    if case .keys(.fresh) = await keys.resolve(missing: nil) { true } else { false }
                }
            }
            first.cancel()
            _ = await first.value
            fixture.fetcher.release()
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(served == 9_999)
        #expect(fixture.fetcher.requests.count == 1)
    }

    @Test("T18, J18: steps of the wall clock by ten minutes, there and back, fetch nothing and end nothing")
    func clockSteps() async throws {
        fixture.publish(fields: ["Cache-Control": "max-age=300"])
        let keys = try fixture.makeKeys()
        let guarding = try fixture.makeGuard(keys)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        for seconds in [600, -1200, 600] as [Int64] {
            fixture.clock.stepWall(by: seconds)
            #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
            #expect(keys.status().age == .zero)
        }
        #expect(fixture.fetcher.requests.count == 1)
    }

    @Test(
        "A fetcher that never answers holds a request for five seconds, and the next attempt is not kept from starting"
    )
    func silentFetcher() async throws {
        let silent = SilentFetcher()
        let keys = try fixture.makeKeys(fetcher: silent)
        let guarding = try fixture.makeGuard(keys)
        let token = fixture.issuer.token()
        let request = Task { await guarding.outcome(token) }
        await silent.arrival(of: 1)
        await fixture.clock.sleepers(count: 1)
        fixture.clock.advance(by: 5)
        #expect(await request.value == "keys_unavailable")
        #expect(keys.status().lastFailure == .timeout)
        fixture.clock.advance(by: 2)
        let second = Task { await guarding.outcome(token) }
        await silent.arrival(of: 2)
        silent.answer(Array(fixture.issuer.keySet.utf8))
        #expect(await second.value == "authorized")
    }

    @Test("A fetcher that never answers is given up even where its time is over before it has begun")
    func silentFromTheStart() async throws {
        let silent = SilentFetcher()
        let keys = try RemoteKeys(
            jwksURL: RemoteKeysFixture.jwksURL,
            fetcher: silent,
            clock: MonotonicClock(uptime: { .zero }, sleep: { _ in }),
            onRefresh: fixture.events.keyRefreshes
        )
        let guarding = try fixture.makeGuard(keys)
        for _ in 0..<50 { #expect(await guarding.outcome(fixture.issuer.token()) == "keys_unavailable") }
        #expect(fixture.events.refreshes.map(\.failure) == [.timeout])
    }

    @Test(
        "A server that gets no request before it is ready becomes ready by being probed, at first and after idle days"
    )
    func probed() async throws {
        fixture.publish()
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        for day in 0..<3 {
            #expect(guarding.isReady == false)
            await fixture.events.refreshes(count: day + 1)
            #expect(guarding.isReady)
            fixture.clock.advance(by: 2 * 86_400)
        }
        #expect(fixture.fetcher.requests.count == 3)
    }

    @Test("freshKeys(within: .zero) asks the issuer for every request, and takes its answer")
    func askedEachTime() async throws {
        fixture.publish()
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        let token = fixture.issuer.token()
        for count in 1...3 {
            #expect(await guarding.outcome(token, requiring: .freshKeys(within: .zero)) == "authorized")
            #expect(fixture.fetcher.requests.count == count)
            fixture.clock.advance(by: 1)
        }
    }

    @Test("J19: a source that is dropped cancels its fetch and keeps nothing alive")
    func dropped() async throws {
        let silent = SilentFetcher()
        weak var alive: RemoteKeys?
        let waiting: Task<Void, Never>
        do {
            let keys = try fixture.makeKeys(fetcher: silent)
            alive = keys
            waiting = Task { [weak keys] in
                // The call holds the source for as long as it waits, so it is started and given up.
                let call = Task { [keys] in _ = await keys?.resolve(missing: nil) }
                await silent.arrival(of: 1)
                call.cancel()
                await call.value
            }
            await waiting.value
        }
        await silent.cancellation()
        #expect(alive == nil)
    }

    @Test("run() refreshes without a request, and ends when it is cancelled")
    func run() async throws {
        fixture.publish(fields: ["Cache-Control": "max-age=100"])
        let keys = try fixture.makeKeys()
        let running = Task { await keys.run() }
        await fixture.events.refreshes(count: 1)
        for count in 2...4 {
            // It sleeps until 80 percent of the life have passed.
            await fixture.clock.sleepers(count: 1)
            fixture.clock.advance(by: 80)
            await fixture.events.refreshes(count: count)
        }
        running.cancel()
        await running.value
        #expect(fixture.fetcher.requests.count == 4)
        #expect(fixture.clock.sleeperCount == 0)
    }

    @Test("warmUp tries until its deadline, and recovery needs no restart and one backoff step at most")
    func warmUp() async throws {
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .failure(.connection))
        let keys = try fixture.makeKeys()
        let guarding = try fixture.makeGuard(keys)
        #expect(guarding.isReady == false)
        let failing = Task { () -> KeysUnavailable.Cause? in
            do throws(KeysUnavailable) {
                try await keys.warmUp(deadline: .seconds(10))
                return nil
            } catch {
                return error.cause
            }
        }
        // Attempts at 0, 1, 3 and 7 seconds; the next would be at 15.
        for (count, seconds) in [(1, 1), (2, 2), (3, 4)] as [(Int, Int64)] {
            await fixture.events.refreshes(count: count)
            await fixture.clock.sleepers(count: 1)
            fixture.clock.advance(by: seconds)
        }
        #expect(await failing.value == .unreachable)
        #expect(fixture.events.refreshes.count == 4)
        #expect(fixture.events.refreshes.map(\.failuresInARow) == [1, 2, 3, 4])
        fixture.publish()
        fixture.clock.advance(by: 8)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(guarding.isReady)
        #expect(fixture.events.refreshes.last?.alarms == [KeyAlarm(.sourceRecovered)])
    }

    @Test("freshKeys(within:) refreshes older keys first; where that fails the answer is 503")
    func freshKeys() async throws {
        fixture.publish(fields: ["Cache-Control": "max-age=3600"])
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        let token = fixture.issuer.token()
        let requirement = Requirement.freshKeys(within: .seconds(60)).and(.token { $0.keyAge <= .seconds(60) })
        #expect(await guarding.outcome(token, requiring: requirement) == "authorized")
        fixture.clock.advance(by: 60)
        #expect(await guarding.outcome(token, requiring: requirement) == "authorized")
        #expect(fixture.fetcher.requests.count == 1)
        fixture.clock.advance(by: 1)
        #expect(await guarding.outcome(token, requiring: requirement) == "authorized")
        #expect(fixture.fetcher.requests.count == 2)
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .failure(.tls))
        fixture.clock.advance(by: 61)
        #expect(await guarding.outcome(token, requiring: requirement) == "keys_unavailable")
        #expect(await guarding.outcome(token) == "authorized")
    }

    @Test("invalidate takes a key out at once; the next request asks, and an issuer that still has it brings it back")
    func invalidate() async throws {
        let keys = try fixture.makeKeys()
        let guarding = try fixture.makeGuard(keys)
        fixture.publish(fields: ["ETag": "\"1\""])
        let token = fixture.issuer.token()
        #expect(await guarding.outcome(token) == "authorized")
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .failure(.connection))
        keys.invalidate(keyID: "ES256-1")
        #expect(await guarding.outcome(token) == "keys_unavailable")
        fixture.publish()
        try await keys.refreshNow()
        #expect(await guarding.outcome(token) == "authorized")
        #expect(fixture.fetcher.requests.map(\.entityTag) == [nil, nil, nil, nil])
    }

    @Test("Alarms: a key that appears, vanishes, is another one under its kid, or is for another algorithm")
    func alarms() async throws {
        let keys = try fixture.makeKeys()
        fixture.publish()
        try await keys.refreshNow()
        try fixture.issuer.rotate(.es256)
        fixture.publish()
        try await keys.refreshNow()
        fixture.issuer.withdraw(keyID: "ES256-1")
        fixture.publish()
        try await keys.refreshNow()
        let other = try SigningKey(.es256, keyID: "ES256-2")
        fixture.issuer.replace(.es256, by: other)
        fixture.publish()
        try await keys.refreshNow()
        let undeclared = other.jwk.setting(["alg": nil])
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .json(JWKSet.text(undeclared)))
        try await keys.refreshNow()
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .json(#"{"keys":[]}"#))
        try await keys.refreshNow()
        #expect(
            fixture.events.refreshes.map(\.alarms) == [
                [], [KeyAlarm(.keyAppeared, keyID: "ES256-2")], [KeyAlarm(.keyVanished, keyID: "ES256-1")],
                [KeyAlarm(.keyReplaced, keyID: "ES256-2")], [KeyAlarm(.algorithmChanged, keyID: "ES256-2")],
                [KeyAlarm(.sourceFailing), KeyAlarm(.nothingUsable)],
            ]
        )
        let status = keys.status()
        #expect(status.state == .fresh)
        #expect(status.lastFailure == .noUsableKey)
        #expect(status.origin == .network)
        #expect(status.keyCount == 1)
    }

    @Test(
        "J6: what a captive portal, a broken proxy or an empty answer sends is a failed refresh",
        arguments: [
            (200, ["Content-Type": "text/html"]), (200, ["Content-Type": "application/xml; charset=utf-8"]),
            (200, ["Content-Encoding": "gzip"]), (204, [:]), (206, [:]), (304, [:]), (301, ["Location": "https://x/"]),
        ] as [(Int, [String: String])]
    )
    func wrongAnswers(_ status: Int, _ fields: [String: String]) async throws {
        fixture.fetcher.script(
            RemoteKeysFixture.jwksURL,
            .response(FetchResponse(status: status, fields: fields, body: Array(fixture.issuer.keySet.utf8)))
        )
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        #expect(await guarding.outcome(fixture.issuer.token()) == "keys_unavailable")
    }

    @Test(
        "The types that real issuers send are taken",
        arguments: [
            "application/json", "application/jwk-set+json;charset=utf-8", "APPLICATION/JSON ; a=b", "text/plain",
        ]
    )
    func contentTypes(_ type: String) async throws {
        fixture.publish(fields: ["Content-Type": type])
        let guarding = try fixture.makeGuard(try fixture.makeKeys())
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
    }
}

/// Never answers until told to, and does not listen to cancellation by itself.
final class SilentFetcher: HTTPFetcher {
    private struct State {
        var requests = 0
        var waiting: [CheckedContinuation<FetchResponse, Never>] = []
        var arrivals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var isCancelled = false
        var cancellations: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let arrived = state.withLock { state in
                    state.requests += 1
                    state.waiting.append(continuation)
                    let count = state.requests
                    let arrived = state.arrivals.filter { $0.count <= count }
                    state.arrivals.removeAll { $0.count <= count }
                    return arrived
                }
                for arrival in arrived { arrival.continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.isCancelled = true
                defer { state.cancellations = [] }
                return state.cancellations
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    func arrival(of count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.requests >= count { return true }
                state.arrivals.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Waits until a fetch was cancelled, and then ends all that wait.
    func cancellation() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if !state.isCancelled { state.cancellations.append(continuation) }
                return state.isCancelled
            }
            if isThere { continuation.resume() }
        }
        answer([])
    }

    func answer(_ body: [UInt8]) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: FetchResponse(status: 200, body: body)) }
    }
}
