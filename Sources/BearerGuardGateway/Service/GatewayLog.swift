// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One JSON object a line on standard error: refusals, keys, reloads; with `debug` also what was allowed.
///
/// Tokens are named by fingerprints. Paths, hosts and claims are not written at all.
package final class GatewayLog: GuardObserver {
    /// What is written.
    package enum Level: String, Sendable, CaseIterable {
        /// Allowed requests too.
        case debug
        /// Refusals and what happens to keys.
        case info
        /// What needs attention alone.
        case warning

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            }
        }

        func includes(_ other: Level) -> Bool { rank <= other.rank }
    }

    /// Lines that wait while standard error is slow; those beyond are counted, not kept.
    private static let room = 8192

    private let level: Atomic<Int>
    private let lines: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation
    private let lost = Atomic<Int>(0)
    private let clock: WallClock

    /// A log that writes once ``run()`` is called.
    package init(level: Level, clock: WallClock = .system) {
        self.level = Atomic(Self.index(level))
        self.clock = clock
        (lines, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(Self.room))
    }

    /// Writes from now on what is at least of this level.
    func setLevel(_ level: Level) { self.level.store(Self.index(level), ordering: .relaxed) }

    private static func index(_ level: Level) -> Int { Level.allCases.firstIndex(of: level) ?? 0 }

    /// Writes until ``close()``.
    package func run() async {
        for await line in lines {
            write(line)
            let lost = lost.exchange(0, ordering: .relaxed)
            if lost > 0 {
                write(Self.line(clock.now(), .warning, "log lines lost", [("count", .integer(Int64(lost)))]))
            }
        }
    }

    /// Ends ``run()`` once everything is written.
    package func close() { continuation.finish() }

    /// Writes a line of the program's own.
    package func note(_ level: Level, _ event: String, _ members: [(String, JSONValue)] = []) {
        guard writes(level) else { return }
        if case .dropped = continuation.yield(Self.line(clock.now(), level, event, members)) {
            lost.add(1, ordering: .relaxed)
        }
    }

    private func writes(_ level: Level) -> Bool {
        Level.allCases[self.level.load(ordering: .relaxed)].includes(level)
    }

    /// Writes what a guard did.
    package func observe(_ event: GuardEvent) {
        switch event {
        case .decided(let decision): note(decision)
        case .keysRefreshed(let refresh): note(refresh)
        }
    }

    private func note(_ decision: DecisionEvent) {
        let level = decision.status == 200 ? Level.debug : .info
        guard writes(level) else { return }
        note(
            level,
            "decision",
            [
                ("outcome", .string(decision.outcome)), ("status", .integer(Int64(decision.status))),
                ("issuer", decision.issuerAlias.map { .string($0) } ?? .null),
                ("alg", decision.algorithm.map { .string($0.rawValue) } ?? .null),
                ("kid", decision.keyID.map { .string($0) } ?? .null),
                ("token", decision.fingerprint.map { .string($0.text) } ?? .null),
                ("detail", decision.detail.map { .string($0) } ?? .null),
                ("stale", .bool(decision.usesStaleKeys)), ("cached", .bool(decision.wasCached)),
            ]
        )
    }

    private func note(_ refresh: KeyRefreshEvent) {
        let needsAttention = refresh.alarms.contains { alarm in
            switch alarm.kind {
            case .keyAppeared, .keyVanished, .sourceRecovered: false
            default: true
            }
        }
        note(
            needsAttention ? .warning : refresh.alarms.isEmpty && refresh.keyIDs.isEmpty ? .debug : .info,
            "keys",
            [
                ("issuer", .string(refresh.issuerAlias)),
                ("outcome", .string(refresh.failure?.rawValue ?? "success")),
                ("keys", .array(refresh.keyIDs.map { .string($0) })),
                ("stale", .bool(refresh.isServingStale)),
                ("alarms", .array(refresh.alarms.map { .string($0.kind.rawValue) })),
            ]
        )
    }

    private static func line(_ now: UnixTime, _ level: Level, _ event: String, _ members: [(String, JSONValue)])
        -> String
    {
        let head: [(String, JSONValue)] = [
            ("time", .string(now.rfc3339)), ("level", .string(level.rawValue)), ("event", .string(event)),
        ]
        return JSONValue.object(head + members).text + "\n"
    }

    private func write(_ line: String) {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe systemWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Named apart because `write` is a method above.
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, buffer, count)
}

/// Counts events and writes them.
struct GatewayObserver: GuardObserver {
    let metrics: GatewayMetrics
    let log: GatewayLog

    func observe(_ event: GuardEvent) {
        metrics.observe(event)
        log.observe(event)
    }
}
#endif
