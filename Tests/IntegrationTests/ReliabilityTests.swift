// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Foundation
import Synchronization
import Testing

/// Floods, rotations and outages with the real fetcher and a real server, counted.
///
/// Seconds and requests are few unless `BEARERGUARD_RELIABILITY=full` says otherwise, best in a release build.
@Suite("Reliability with a real provider", .serialized)
struct ReliabilityTests {
    private static let isFull = ProcessInfo.processInfo.environment["BEARERGUARD_RELIABILITY"] == "full"

    private let issuer: TestIssuer
    private let server: FaultServer
    private let events = RecordedEvents()

    init() throws {
        server = try FaultServer()
        issuer = try TestIssuer(issuer: server.url(""))
        server.script("/.well-known/openid-configuration", .json(issuer.metadata(jwksURL: server.url("/jwks"))))
        server.script("/jwks", .json(issuer.keySet))
    }

    private func withGuard(
        policy: RefreshPolicy = .standard,
        clock: MonotonicClock = .system,
        _ body: (RequestGuard, RemoteKeys) async throws -> Void
    ) async throws {
        try await AsyncHTTPClientFetcher.use { fetcher in
            let keys = try RemoteKeys(
                discovering: issuer.issuer,
                fetcher: fetcher,
                allowsLoopbackHTTP: true,
                policy: policy,
                clock: clock,
                onRefresh: events.keyRefreshes
            )
            try await body(try RequestGuard(issuers: [try TrustedIssuer(policy: issuer.policy(), keys: keys)]), keys)
        }
        server.stop()
    }

    private static func outcome(_ guarding: RequestGuard, _ token: String) async -> String {
        switch await guarding.authorize(RequestCredentials(authorization: "Bearer \(token)")) {
        case .authorized: "authorized"
        case .anonymous: "anonymous"
        case .refused(let refusal): refusal.code.text
        }
    }

    @Test("A thousand first requests at once make one discovery and one fetch of keys")
    func coldStart() async throws {
        try await withGuard(policy: try RefreshPolicy(waiters: 1000)) { guarding, _ in
            let token = issuer.token()
            let outcomes = await withTaskGroup(of: String.self) { group in
                for _ in 0..<1000 { group.addTask { await Self.outcome(guarding, token) } }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(outcomes == ["authorized": 1000])
            #expect(server.count(of: "/.well-known/openid-configuration") == 1)
            #expect(server.count(of: "/jwks") == 1)
        }
    }

    enum Provider: String, CaseIterable {
        case working
        case failing
        case empty
    }

    @Test(
        "J1, J2, J3, T1: random kids cause a fetch a cooldown at most; good traffic passes whole and is not slowed",
        arguments: Provider.allCases
    )
    func flood(_ provider: Provider) async throws {
        let seconds = Self.isFull ? 60.0 : 4.0
        try await withGuard { guarding, keys in
            try await keys.warmUp()
            let good = issuer.token(lifetime: 3600)
            // At the rhythm of the flood and without it: after a pause a hit finds cold caches, flood or not.
            var quiet = Latencies()
            let calm = ContinuousClock.now
            for portion in 0..<(Self.isFull ? 1000 : 100) {
                try await quiet.note { try #require(await Self.outcome(guarding, good) == "authorized") }
                try await ContinuousClock().sleep(until: calm + .milliseconds(10 * (portion + 1)))
            }
            switch provider {
            case .working: break
            case .failing: server.script("/jwks", .status(500))
            case .empty: server.script("/jwks", .json(#"{"keys":[]}"#))
            }
            let rest = good.drop { $0 != "." }
            let memory = ProcessState().residentBytes
            var during = Latencies()
            var flooded = 0
            let clock = ContinuousClock()
            let end = clock.now + .seconds(seconds)
            let start = clock.now
            while clock.now < end {
                // Ten thousand a second, in portions of a hundred, with a good token after each.
                for _ in 0..<100 {
                    let kid = UInt64.random(in: .min ... .max)
                    let header = Data(#"{"alg":"ES256","typ":"at+jwt","kid":"\#(kid)"}"#.utf8).base64EncodedString()
                    let token =
                        header.replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_") + rest
                    let outcome = await Self.outcome(guarding, token)
                    try #require(outcome == (provider == .working ? "unknown_key" : outcome))
                    try #require(outcome != "authorized")
                    flooded += 1
                }
                try await during.note { try #require(await Self.outcome(guarding, good) == "authorized") }
                let due = start + .microseconds(flooded * 100)
                if clock.now < due { try await clock.sleep(until: due) }
            }
            let fetches = server.count(of: "/jwks") - 1
            let growth = Double(ProcessState().residentBytes - memory) / Double(memory)
            print(
                "flood, provider \(provider.rawValue): \(flooded) random kids in \(Int(seconds)) s, \(fetches) fetches, "
                    + "good p99 \(during.p99) against \(quiet.p99) when quiet, memory \(Int(growth * 100)) %"
            )
            #expect(fetches <= 1 + Int(seconds / 30))
            // In a short run other suites grow in the same process.
            if Self.isFull { #expect(growth < 0.1) }
        }
    }

    @Test(
        "Keys that rotate every two seconds: no good token is refused, and none of a key after the refresh that dropped it"
    )
    func rotation() async throws {
        let total = Self.isFull ? 1_000_000 : 20_000
        let seconds = Self.isFull ? 120.0 : 8.0
        let policy = try RefreshPolicy(
            life: .seconds(1) ... .seconds(60),
            defaultLife: .seconds(60),
            cooldown: .seconds(1)
        )
        try await withGuard(policy: policy) { guarding, keys in
            try await keys.warmUp()
            let clock = ContinuousClock()
            let start = clock.now
            var old: String?
            var token = issuer.token(lifetime: 3600)
            var rotations = 0
            var requests = 0
            while clock.now - start < .seconds(seconds) || requests < total {
                if clock.now - start > .seconds(2 * (rotations + 1)) {
                    rotations += 1
                    old = token
                    issuer.replace(.es256, by: try SigningKey(.es256, keyID: "rotated-\(rotations)"))
                    server.script("/jwks", .json(issuer.keySet))
                    token = issuer.token(lifetime: 3600)
                    try #require(await Self.outcome(guarding, token) == "authorized")
                    // The refresh for the new key has dropped the old one.
                    if let old { try #require(await Self.outcome(guarding, old) == "unknown_key") }
                }
                try #require(await Self.outcome(guarding, token) == "authorized")
                if let old, requests % 10 == 0 { try #require(await Self.outcome(guarding, old) == "unknown_key") }
                requests += 1
            }
            print("rotation: \(requests) requests, \(rotations) rotations, \(server.count(of: "/jwks")) fetches")
            #expect(rotations >= 3)
        }
    }

    @Test("An outage: nothing fails within the bound, and everything after it")
    func outage() async throws {
        let clock = ManualClock()
        try await withGuard(clock: clock.withoutPauses) { guarding, keys in
            try await keys.warmUp()
            server.refuse()
            let token = issuer.token(lifetime: 200_000)
            for minute in stride(from: 0, to: 25 * 60, by: 10) {
                let outcome = await Self.outcome(guarding, token)
                try #require(outcome == (minute < 24 * 60 ? "authorized" : "keys_unavailable"), "minute \(minute)")
                clock.advance(by: 600)
            }
            try server.accept()
            clock.advance(by: 60)
            #expect(await Self.outcome(guarding, token) == "authorized")
        }
    }

    @Test("An outage in real time: nothing fails, and the provider is asked a few times only")
    func realOutage() async throws {
        let seconds = Self.isFull ? 60.0 : 4.0
        let policy = try RefreshPolicy(
            life: .seconds(1) ... .seconds(60),
            defaultLife: .seconds(1),
            deadline: .seconds(1)
        )
        try await withGuard(policy: policy) { guarding, keys in
            try await keys.warmUp()
            server.script("/jwks", .hang)
            let token = issuer.token(lifetime: 3600)
            let clock = ContinuousClock()
            let end = clock.now + .seconds(seconds)
            var requests = 0
            while clock.now < end {
                try #require(await Self.outcome(guarding, token) == "authorized")
                requests += 1
            }
            let fetches = server.count(of: "/jwks")
            print("outage: \(requests) requests in \(Int(seconds)) s, all authorized, \(fetches) fetches")
            // Pauses of 1, 2, 4, 8, 16, 32 seconds between attempts.
            #expect(fetches <= (Self.isFull ? 9 : 5))
            #expect(keys.status().state == .stale)
        }
    }
}

/// How long each of many took.
struct Latencies {
    private var values: [Duration] = []

    mutating func note(_ work: () async throws -> Void) async rethrows {
        let start = ContinuousClock.now
        try await work()
        values.append(ContinuousClock.now - start)
    }

    var p99: Duration { values.isEmpty ? .zero : values.sorted()[values.count * 99 / 100] }
}
#endif
