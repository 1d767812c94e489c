// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import Synchronization

/// Counts what happens, for Prometheus to read; every label is of a closed set.
package final class GatewayMetrics: GuardObserver {
    private struct Series: Hashable {
        let name: String
        let labels: String
    }

    /// What decisions are counted by, without a label being written each time.
    private struct Decided: Hashable {
        let outcome: String
        let issuer: String?
    }

    private struct Decisions {
        var all: UInt64 = 0
        var cached: UInt64 = 0
        var stale: UInt64 = 0

        mutating func note(_ decision: DecisionEvent) {
            all &+= 1
            if decision.wasCached { cached &+= 1 }
            if decision.usesStaleKeys { stale &+= 1 }
        }
    }

    private struct State {
        var counters: [Series: UInt64] = [:]
        var decisions: [Decided: Decisions] = [:]
        /// Decisions that took at most the bound of their place, and more than the one before.
        var buckets = [UInt64](repeating: 0, count: GatewayMetrics.bounds.count)
        var count: UInt64 = 0
        var seconds = 0.0

        /// All counters with their labels.
        var allCounters: [Series: UInt64] {
            decisions.reduce(into: counters) { counters, entry in
                let issuer = GatewayMetrics.label("issuer", entry.key.issuer ?? "none")
                let outcome = GatewayMetrics.label("outcome", entry.key.outcome)
                for (name, labels, count) in [
                    ("bearerguard_decisions_total", "\(outcome),\(issuer)", entry.value.all),
                    ("bearerguard_cached_decisions_total", issuer, entry.value.cached),
                    ("bearerguard_stale_decisions_total", issuer, entry.value.stale),
                ] where count > 0 {
                    counters[Series(name: name, labels: labels), default: 0] &+= count
                }
            }
        }
    }

    /// Upper bounds of the latency histogram, in seconds.
    private static let bounds = [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.01, 0.1, 1, 5]

    private static let helps = [
        ("bearerguard_decisions_total", "Decisions by outcome and issuer."),
        ("bearerguard_cached_decisions_total", "Decisions about tokens seen before."),
        ("bearerguard_stale_decisions_total", "Decisions by keys past their life."),
        ("bearerguard_gateway_refusals_total", "Requests refused before any token was looked at, by reason."),
        ("bearerguard_gateway_public_total", "Requests that a public rule let pass."),
        ("bearerguard_key_refreshes_total", "Fetches of keys by issuer and outcome."),
        ("bearerguard_key_alarms_total", "Alarms about keys by issuer and kind."),
        ("bearerguard_shadow_decisions_total", "Decisions of the shadow policy by both statuses."),
        ("bearerguard_reloads_total", "Reloads of the configuration by outcome."),
    ]

    private let state = Mutex(State())

    /// Counts from zero.
    package init() {}

    /// Counts one event.
    package func observe(_ event: GuardEvent) {
        switch event {
        case .decided(let decision): note(decision)
        case .keysRefreshed(let refresh): note(refresh)
        }
    }

    private func note(_ decision: DecisionEvent) {
        let decided = Decided(outcome: decision.outcome, issuer: decision.issuerAlias)
        let (whole, attoseconds) = decision.elapsed.components
        let seconds = Double(whole) + Double(attoseconds) * 1e-18
        state.withLock { state in
            state.decisions[decided, default: Decisions()].note(decision)
            state.count &+= 1
            state.seconds += seconds
            if let index = Self.bounds.firstIndex(where: { seconds <= $0 }) { state.buckets[index] &+= 1 }
        }
    }

    private func note(_ refresh: KeyRefreshEvent) {
        let issuer = Self.label("issuer", refresh.issuerAlias)
        let outcome = Self.label("outcome", refresh.failure?.rawValue ?? "success")
        state.withLock { state in
            Self.count("bearerguard_key_refreshes_total", "\(issuer),\(outcome)", &state)
            for alarm in refresh.alarms {
                let kind = Self.label("alarm", alarm.kind.rawValue)
                Self.count("bearerguard_key_alarms_total", "\(issuer),\(kind)", &state)
            }
        }
    }

    /// Counts a request that the gateway refused by itself.
    func noteRefusal(_ code: RejectionCode) {
        state.withLock { Self.count("bearerguard_gateway_refusals_total", Self.label("reason", code.text), &$0) }
    }

    /// Counts a request that no token was asked of.
    func noteOpen() { state.withLock { Self.count("bearerguard_gateway_public_total", "", &$0) } }

    /// Counts what two policies made of one request; nil for a shadow that had too much to do.
    func noteShadow(live: Int, shadow: Int?) {
        let labels = [Self.label("live", "\(live)"), Self.label("shadow", shadow.map { "\($0)" } ?? "skipped")]
        state.withLock { Self.count("bearerguard_shadow_decisions_total", labels.joined(separator: ","), &$0) }
    }

    /// Counts a reload.
    func noteReload(isGood: Bool) {
        let outcome = Self.label("outcome", isGood ? "success" : "failure")
        state.withLock { Self.count("bearerguard_reloads_total", outcome, &$0) }
    }

    /// The text that Prometheus reads (exposition format 0.0.4).
    package func text(_ status: [(issuerAlias: String, keys: KeySourceStatus)], remembered: (tokens: Int, bytes: Int)?)
        -> String
    {
        let state = state.withLock { $0 }
        let counters = state.allCounters
        var lines: [String] = []
        for (name, help) in Self.helps {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) counter"]
            let series = counters.filter { $0.key.name == name }.sorted { $0.key.labels < $1.key.labels }
            lines += series.map { Self.line(name, $0.key.labels, "\($0.value)") }
            if series.isEmpty, name == "bearerguard_gateway_public_total" { lines.append("\(name) 0") }
        }
        let duration = "bearerguard_decision_duration_seconds"
        lines += ["# HELP \(duration) Time to decide about a token.", "# TYPE \(duration) histogram"]
        var sum: UInt64 = 0
        for (bound, count) in zip(Self.bounds, state.buckets) {
            sum &+= count
            lines.append(Self.line("\(duration)_bucket", Self.label("le", "\(bound)"), "\(sum)"))
        }
        lines.append(Self.line("\(duration)_bucket", Self.label("le", "+Inf"), "\(state.count)"))
        lines += ["\(duration)_sum \(state.seconds)", "\(duration)_count \(state.count)"]
        lines += gauges(status, remembered)
        return lines.joined(separator: "\n") + "\n"
    }

    private func gauges(
        _ status: [(issuerAlias: String, keys: KeySourceStatus)],
        _ remembered: (tokens: Int, bytes: Int)?
    ) -> [String] {
        var lines = ["# HELP bearerguard_key_age_seconds Time since the issuer confirmed its keys."]
        lines.append("# TYPE bearerguard_key_age_seconds gauge")
        for (alias, keys) in status {
            guard let age = keys.age else { continue }
            let seconds = age.components.seconds
            lines.append(Self.line("bearerguard_key_age_seconds", Self.label("issuer", alias), "\(seconds)"))
        }
        lines += ["# HELP bearerguard_keys Usable keys.", "# TYPE bearerguard_keys gauge"]
        for (alias, keys) in status {
            let labels = "\(Self.label("issuer", alias)),\(Self.label("state", keys.state.rawValue))"
            lines.append(Self.line("bearerguard_keys", labels, "\(keys.keyCount)"))
        }
        if let remembered {
            lines += ["# HELP bearerguard_remembered_tokens Verified tokens that are remembered."]
            lines += [
                "# TYPE bearerguard_remembered_tokens gauge", "bearerguard_remembered_tokens \(remembered.tokens)",
            ]
            lines += ["# HELP bearerguard_remembered_bytes The memory that they take."]
            lines += ["# TYPE bearerguard_remembered_bytes gauge", "bearerguard_remembered_bytes \(remembered.bytes)"]
        }
        return lines
    }

    private static func count(_ name: String, _ labels: String, _ state: inout State) {
        state.counters[Series(name: name, labels: labels), default: 0] &+= 1
    }

    private static func label(_ name: String, _ value: String) -> String {
        // Aliases are printable ASCII without a backslash already.
        "\(name)=\"\(value.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
    }

    private static func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)" : "\(name){\(labels)} \(value)"
    }
}
#endif
