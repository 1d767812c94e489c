// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Time that never steps back, for the age of keys: a correction of the wall clock must not end or extend their life.
public struct MonotonicClock: Sendable {
    /// Time since an arbitrary start.
    package let uptime: @Sendable () -> Duration
    /// Waits; ends early when the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void

    /// A clock of your own, for tests.
    ///
    /// - Parameters:
    ///   - uptime: time since an arbitrary start; must never step back.
    ///   - sleep: waits for a duration.
    public init(
        uptime: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.uptime = uptime
        self.sleep = sleep
    }

    /// The clock of the machine.
    public static let system = MonotonicClock(
        uptime: {
            // Without the way through `ContinuousClock`: this is asked for every request.
            var time = timespec()
            unsafe clock_gettime(systemClock, &time)
            return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
        },
        sleep: { try await Task.sleep(for: $0) }
    )
}

// Both go on while the machine sleeps: keys age then, too.
#if os(Linux)
private let systemClock = CLOCK_BOOTTIME
#else
private let systemClock = CLOCK_MONOTONIC  // Darwin's
#endif
