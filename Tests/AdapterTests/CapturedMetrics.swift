// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
import Metrics
import Synchronization

/// Keeps what is counted and measured.
final class CapturedMetrics: MetricsFactory {
    /// A metric with its labels as `name=value`, in the order given.
    struct Series: Hashable, Sendable {
        let label: String
        let dimensions: [String]

        init(_ label: String, _ dimensions: [String]) {
            self.label = label
            self.dimensions = dimensions
        }

        fileprivate init(_ label: String, _ dimensions: [(String, String)]) {
            self.init(label, dimensions.map { "\($0.0)=\($0.1)" })
        }
    }

    private struct State {
        var counts: [Series: Int64] = [:]
        var measurements: [Series: Int] = [:]
    }

    private let state = Mutex(State())

    /// The sum of every counter.
    var counts: [Series: Int64] { state.withLock { $0.counts } }

    /// How many durations every timer has recorded.
    var measurements: [Series: Int] { state.withLock { $0.measurements } }

    /// Every text that a backend would see.
    var texts: [String] {
        (Array(counts.keys) + Array(measurements.keys)).flatMap { [$0.label] + $0.dimensions }
    }

    fileprivate func add(_ amount: Int64, to series: Series) {
        state.withLock { $0.counts[series, default: 0] += amount }
    }

    fileprivate func measured(_ series: Series) {
        state.withLock { $0.measurements[series, default: 0] += 1 }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        Handler(series: Series(label, dimensions), metrics: self)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        Handler(series: Series(label, dimensions), metrics: self)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
}

private final class Handler: CounterHandler, TimerHandler {
    private let series: CapturedMetrics.Series
    private let metrics: CapturedMetrics

    init(series: CapturedMetrics.Series, metrics: CapturedMetrics) {
        self.series = series
        self.metrics = metrics
    }

    func increment(by amount: Int64) { metrics.add(amount, to: series) }

    func reset() {}

    func recordNanoseconds(_ duration: Int64) { metrics.measured(series) }
}
#endif
