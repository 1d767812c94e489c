// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
public import BearerGuard
public import Logging
public import Metrics
public import Tracing

/// Turns events into log lines, metrics and span attributes.
///
/// Label values come from closed sets: outcomes, aliases of configured issuers, algorithms and classes of failure. No
/// token, claim or text from a request gets into any of them, but for `kid`, escaped, in debug logs.
public struct ObservabilityObserver: GuardObserver {
    private let logger: Logger
    private let metrics: any MetricsFactory
    private let tracer: any Tracer

    /// An observer.
    ///
    /// - Parameters:
    ///   - logger: decisions at debug; of keys, what needs attention at warning when it begins, new keys at info.
    ///   - metrics: where counters and timers are made.
    ///   - tracer: where the span of each decision is made.
    public init(
        logger: Logger,
        metrics: any MetricsFactory = MetricsSystem.factory,
        tracer: any Tracer = InstrumentationSystem.tracer
    ) {
        self.logger = logger
        self.metrics = metrics
        self.tracer = tracer
    }

    /// Logs and counts one event.
    public func observe(_ event: GuardEvent) {
        switch event {
        case .decided(let decision): observe(decision)
        case .keysRefreshed(let refresh): observe(refresh)
        }
    }

    private func observe(_ decision: DecisionEvent) {
        let issuer = decision.issuerAlias ?? "none"
        let dimensions = [("outcome", decision.outcome), ("issuer", issuer)]
        Counter(label: "bearerguard_decisions_total", dimensions: dimensions, factory: metrics).increment()
        Timer(label: "bearerguard_decision_duration", dimensions: dimensions, factory: metrics)
            .recordNanoseconds(decision.elapsed.nanoseconds)
        // A child of the request's own span, begun and ended here because the core knows of no tracing.
        let span = tracer.startAnySpan("bearerguard.authorize", ofKind: .internal)
        span.attributes["bearerguard.outcome"] = decision.outcome
        span.attributes["bearerguard.issuer"] = issuer
        span.attributes["bearerguard.duration_ns"] = decision.elapsed.nanoseconds
        span.end()
        if decision.wasCached {
            Counter(label: "bearerguard_cached_decisions_total", dimensions: [("issuer", issuer)], factory: metrics)
                .increment()
        }
        if decision.usesStaleKeys {
            Counter(label: "bearerguard_stale_decisions_total", dimensions: [("issuer", issuer)], factory: metrics)
                .increment()
        }
        logger.debug(
            "request decided",
            metadata: [
                "outcome": "\(decision.outcome)",
                "status": "\(decision.status)",
                "issuer": "\(issuer)",
                "alg": "\(decision.algorithm?.rawValue ?? "none")",
                "kid": "\(decision.keyID ?? "none")",
                "token": "\(decision.fingerprint?.text ?? "none")",
                "detail": "\(decision.detail ?? "none")",
            ]
        )
    }

    private func observe(_ refresh: KeyRefreshEvent) {
        // A key file that cannot be used is told between refreshes.
        let isRefresh = refresh.alarms.map(\.kind) != [.keyFileFailing]
        let outcome = isRefresh ? refresh.failure?.rawValue ?? "success" : "key_file"
        Counter(
            label: "bearerguard_key_refreshes_total",
            dimensions: [("issuer", refresh.issuerAlias), ("outcome", outcome)],
            factory: metrics
        ).increment()
        for alarm in refresh.alarms {
            Counter(
                label: "bearerguard_key_alarms_total",
                dimensions: [("issuer", refresh.issuerAlias), ("alarm", alarm.kind.rawValue)],
                factory: metrics
            ).increment()
        }
        // A state is told when it begins, which is an alarm, and not again with every attempt that confirms it.
        let level: Logger.Level =
            if refresh.alarms.contains(where: \.kind.needsAttention) {
                .warning
            } else if refresh.alarms.isEmpty, refresh.keyIDs.isEmpty {
                .debug
            } else {
                .info
            }
        logger.log(
            level: level,
            isRefresh
                ? refresh.failure == nil ? "keys refreshed" : "keys could not be refreshed"
                : "the key file could not be used",
            metadata: [
                "issuer": "\(refresh.issuerAlias)",
                "outcome": "\(outcome)",
                "keys": "\(refresh.keyIDs.joined(separator: " "))",
                "unusable": "\(refresh.unusableKeys)",
                "stale": "\(refresh.isServingStale)",
                "alarms": "\(refresh.alarms.map(\.text).joined(separator: ", "))",
            ]
        )
    }
}

extension KeyAlarm {
    fileprivate var text: String { kind.rawValue + (keyID.map { " \($0)" } ?? "") }
}

extension KeyAlarm.Kind {
    fileprivate var needsAttention: Bool {
        switch self {
        case .keyAppeared, .keyVanished, .sourceRecovered: false
        case .keyReplaced, .algorithmChanged, .nothingUsable, .sourceFailing, .staleInUse, .unavailable,
            .unknownKeysFull, .keyFileFailing:
            true
        }
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}

#else
/// Nothing without its trait: build with `traits: ["Observability"]`.
@available(*, unavailable, message: "turn on the trait Observability of the package BearerGuard")
public enum BearerGuardObservabilityIsOff {}
#endif
