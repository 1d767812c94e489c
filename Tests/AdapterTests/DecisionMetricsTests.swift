// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
import BearerGuard
import BearerGuardObservability
import BearerGuardTesting
import Testing

@Suite("Decisions as metrics")
struct DecisionMetricsTests {
    private static let decisions = "bearerguard_decisions_total"
    private static let durations = "bearerguard_decision_duration"

    private let observed: ObservedGuard

    init() throws {
        observed = try ObservedGuard()
    }

    @Test("A decision adds one to its counter and one duration to its timer", arguments: MarkedRequest.all)
    func oneCount(request: MarkedRequest) async {
        _ = await observed.requestGuard.authorize(.init(authorization: request.authorization(observed.issuer)))
        let dimensions = ["outcome=\(request.outcome)", "issuer=\(request.issuer)"]
        #expect(observed.metrics.counts == [CapturedMetrics.Series(Self.decisions, dimensions): 1])
        #expect(observed.metrics.measurements == [CapturedMetrics.Series(Self.durations, dimensions): 1])
    }

    @Test("Every label comes from a closed set, whatever was sent")
    func closedSets() async {
        for request in MarkedRequest.all {
            _ = await observed.requestGuard.authorize(.init(authorization: request.authorization(observed.issuer)))
        }
        let outcomes = ["authorized", "anonymous"] + RejectionCode.allCases.map(\.text)
        let allowed = Set(
            outcomes.flatMap { outcome in
                ["configured", "none"].map { ["outcome=\(outcome)", "issuer=\($0)"] }
            }
        )
        let counts = observed.metrics.counts
        #expect(counts.keys.filter { !allowed.contains($0.dimensions) } == [])
        #expect(counts.count == MarkedRequest.all.count)
        #expect(counts.values.reduce(0, +) == Int64(MarkedRequest.all.count))
        #expect(observed.metrics.measurements.keys.filter { !allowed.contains($0.dimensions) } == [])
    }

    @Test("A hundred made-up issuers and kids make no new series")
    func noSeriesPerRequest() async {
        for number in 1...100 {
            let token = observed.issuer.token(
                changes: ["iss": .string("https://issuer-\(number).test")],
                header: ["kid": .string("kid-\(number)")]
            )
            _ = await observed.requestGuard.authorize(.init(authorization: "Bearer \(token)"))
        }
        let series = CapturedMetrics.Series(Self.decisions, ["outcome=wrong_issuer", "issuer=none"])
        #expect(observed.metrics.counts == [series: 100])
    }

    @Test("A request without a token on an optional route counts as anonymous")
    func anonymous() async throws {
        _ = await observed.requestGuard.authorizeIfPresent(.init(authorization: nil))
        let series = CapturedMetrics.Series(Self.decisions, ["outcome=anonymous", "issuer=none"])
        #expect(observed.metrics.counts == [series: 1])
        #expect(try #require(observed.log.lines.first).metadata["status"] == "200")
    }

    @Test("A token that lacks a scope counts as insufficient_scope of its issuer")
    func insufficientScope() async {
        let credentials = RequestCredentials(authorization: "Bearer \(observed.issuer.token(scopes: ["read"]))")
        _ = await observed.requestGuard.authorize(credentials, requiring: .scopes("write"))
        let series = CapturedMetrics.Series(Self.decisions, ["outcome=insufficient_scope", "issuer=configured"])
        #expect(observed.metrics.counts == [series: 1])
    }
}
#endif
