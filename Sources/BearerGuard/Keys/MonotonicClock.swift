// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

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
    public static let system: MonotonicClock = {
        let start = ContinuousClock.now
        return MonotonicClock(uptime: { ContinuousClock.now - start }, sleep: { try await Task.sleep(for: $0) })
    }()
}
