// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
import BearerGuard
import BearerGuardObservability
import BearerGuardTesting
import Logging
import Testing
import Tracing

@Suite("Key refreshes as log lines and metrics")
struct KeyRefreshObservationTests {
    private static let address = "https://issuer.test/jwks"
    private static let refreshes = "bearerguard_key_refreshes_total"

    private let clock = ManualClock()
    private let fetcher = ScriptedFetcher()
    private let log = CapturedLog()
    private let metrics = CapturedMetrics()
    private let issuer: TestIssuer
    private let observer: ObservabilityObserver
    private let keys: RemoteKeys

    init() throws {
        issuer = try TestIssuer(clock: clock.wall)
        observer = ObservabilityObserver(logger: log.logger, metrics: metrics, tracer: NoOpTracer())
        keys = try RemoteKeys(
            jwksURL: Self.address,
            fetcher: fetcher,
            clock: clock.withoutPauses,
            onRefresh: observer.keyRefreshes,
            alias: "configured"
        )
    }

    private func counted(_ outcome: String) -> Int64? {
        metrics.counts[CapturedMetrics.Series(Self.refreshes, ["issuer=configured", "outcome=\(outcome)"])]
    }

    private func alarmed(_ kind: KeyAlarm.Kind) -> Int64? {
        let series = CapturedMetrics.Series(
            "bearerguard_key_alarms_total",
            ["issuer=configured", "alarm=\(kind.rawValue)"]
        )
        return metrics.counts[series]
    }

    @Test("New keys are told at info, with their kid")
    func success() async throws {
        fetcher.script(Self.address, .json(issuer.keySet))
        try await keys.warmUp()
        await log.arrival(of: 1)
        #expect(log.lines.count == 1)
        let line = try #require(log.lines.first)
        #expect(line.level == .info)
        #expect(line.message == "keys refreshed")
        #expect(
            line.metadata == [
                "issuer": "configured", "outcome": "success", "keys": "ES256-1", "unusable": "0", "stale": "false",
                "alarms": "",
            ]
        )
        #expect(counted("success") == 1)
        #expect(metrics.counts.count == 1)
    }

    @Test("A kid of the issuer's own set is escaped too, and an unusable entry is counted")
    func hostileKeySet() async throws {
        issuer.replace(.es256, by: try SigningKey(.es256, keyID: MarkedRequest.keyID))
        let set = issuer.keySet.dropLast(2) + #",{"kty":"EC","crv":"P-256","kid":"CLAIMMARK"}]}"#
        fetcher.script(Self.address, .json(String(set)))
        try await keys.warmUp()
        await log.arrival(of: 1)
        let line = try #require(log.lines.first)
        #expect(line.metadata["keys"] == MarkedRequest.escapedKeyID)
        #expect(line.metadata["unusable"] == "1")
        #expect(line.text.contains(MarkedRequest.claimMark) == false)
        #expect(MarkedRequest.isPrintable(line.text))
        #expect(metrics.texts.filter { $0.contains(MarkedRequest.keyMark) } == [])
    }

    @Test("A failed refresh is told at warning, by the class of its cause", arguments: FailedAnswer.all)
    func failure(answer: FailedAnswer) async throws {
        fetcher.script(Self.address, answer.answer)
        await #expect(throws: KeysUnavailable.self) { try await keys.warmUp() }
        await log.arrival(of: 1)
        #expect(log.lines.count == 1)
        let line = try #require(log.lines.first)
        #expect(line.level == .warning)
        #expect(line.message == "keys could not be refreshed")
        #expect(
            line.metadata == [
                "issuer": "configured", "outcome": answer.outcome, "keys": "", "unusable": "0", "stale": "false",
                "alarms": answer.alarms,
            ]
        )
        #expect(counted(answer.outcome) == 1)
        #expect(alarmed(.sourceFailing) == 1)
        #expect(alarmed(.unavailable) == 1)
        #expect(fetcher.requests.count == answer.requests)
    }

    @Test("What is told when it begins is not told again, and its end is")
    func onceAState() async throws {
        fetcher.script(Self.address, .failure(.tls))
        await #expect(throws: KeysUnavailable.self) { try await keys.warmUp() }
        clock.advance(by: 70)
        await #expect(throws: KeysUnavailable.self) { try await keys.warmUp() }
        clock.advance(by: 70)
        fetcher.script(Self.address, .json(issuer.keySet))
        try await keys.warmUp()
        await log.arrival(of: 3)
        #expect(log.lines.map(\.level) == [.warning, .debug, .info])
        #expect(log.lines.last?.metadata["alarms"] == "source_recovered")
        #expect(alarmed(.sourceFailing) == 1)
        #expect(alarmed(.sourceRecovered) == 1)
    }

    @Test("Another key under the same kid is told at warning, with its kid")
    func replacedKey() async throws {
        fetcher.script(Self.address, .json(issuer.keySet))
        try await keys.warmUp()
        issuer.replace(.es256, by: try SigningKey(.es256, keyID: "ES256-1"))
        fetcher.script(Self.address, .json(issuer.keySet))
        try await keys.refreshNow()
        await log.arrival(of: 2)
        #expect(log.lines.map(\.level) == [.info, .warning])
        #expect(log.lines.last?.metadata["alarms"] == "key_replaced ES256-1")
        #expect(alarmed(.keyReplaced) == 1)
    }

    @Test("While old keys serve, the failure says so and each decision by them is counted")
    func staleKeys() async throws {
        fetcher.script(Self.address, .json(issuer.keySet), .failure(.tls))
        try await keys.warmUp()
        await log.arrival(of: 1)
        let trusted = try TrustedIssuer(policy: try issuer.policy(), keys: keys, alias: "configured")
        let requestGuard = try RequestGuard(issuers: [trusted], clock: clock.wall, observer: observer)
        // Past the 15 minutes that a set lives by default.
        clock.advance(by: 1_000)
        let decision = await requestGuard.authorize(.init(authorization: "Bearer \(issuer.token())"))
        #expect(decision.accessToken?.usesStaleKeys == true)
        await log.arrival(of: 3)
        let warnings = log.lines.filter { $0.level == .warning }
        #expect(warnings.count == 1)
        #expect(warnings.first?.metadata["outcome"] == "tls")
        #expect(warnings.first?.metadata["stale"] == "true")
        #expect(
            metrics.counts == [
                CapturedMetrics.Series(Self.refreshes, ["issuer=configured", "outcome=success"]): 1,
                CapturedMetrics.Series(Self.refreshes, ["issuer=configured", "outcome=tls"]): 1,
                CapturedMetrics.Series(
                    "bearerguard_decisions_total",
                    ["outcome=authorized", "issuer=configured"]
                ): 1,
                CapturedMetrics.Series("bearerguard_stale_decisions_total", ["issuer=configured"]): 1,
                CapturedMetrics.Series(
                    "bearerguard_key_alarms_total",
                    ["issuer=configured", "alarm=source_failing"]
                ): 1,
                CapturedMetrics.Series(
                    "bearerguard_key_alarms_total",
                    ["issuer=configured", "alarm=stale_in_use"]
                ): 1,
            ]
        )
    }
}

/// One way to fail and how it is told.
struct FailedAnswer: Sendable, CustomTestStringConvertible {
    let outcome: String
    let answer: ScriptedFetcher.Answer
    /// With the one retry, where another attempt can help.
    let requests: Int

    var alarms: String {
        outcome == "no_usable_key" ? "source_failing, nothing_usable, unavailable" : "source_failing, unavailable"
    }

    var testDescription: String { "\(outcome) after \(requests) request(s)" }

    static let all = [
        FailedAnswer(outcome: "connection", answer: .failure(.connection), requests: 2),
        FailedAnswer(outcome: "timeout", answer: .failure(.timeout), requests: 2),
        FailedAnswer(outcome: "status", answer: .status(500), requests: 2),
        FailedAnswer(outcome: "tls", answer: .failure(.tls), requests: 1),
        FailedAnswer(outcome: "too_large", answer: .failure(.tooLarge), requests: 1),
        FailedAnswer(outcome: "failed", answer: .failure(.failed), requests: 1),
        FailedAnswer(outcome: "content", answer: .json("CLAIMMARK"), requests: 1),
        FailedAnswer(outcome: "no_usable_key", answer: .json(#"{"keys":[]}"#), requests: 1),
    ]
}
#endif
