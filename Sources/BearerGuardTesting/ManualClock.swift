// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import Synchronization

/// Clocks that stand still until a test moves them.
public final class ManualClock: Sendable {
    private struct State {
        var wall: UnixTime
        var uptime: Duration = .seconds(1_000)
        var nextSleeper = 0
        var sleepers: [Int: (wakeAt: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var cancelled: Set<Int> = []
        var awaiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    /// Clocks that show `seconds` since 1970.
    public init(seconds: Int64 = 1_800_000_000) {
        state = Mutex(State(wall: UnixTime(seconds: seconds)))
    }

    /// The time of day, for guards.
    public var wall: WallClock {
        WallClock { self.state.withLock { $0.wall } }
    }

    /// Time that never steps back, for keys.
    ///
    /// Sleeping on it lasts until ``advance(by:)`` has gone far enough.
    public var monotonic: MonotonicClock {
        MonotonicClock(
            uptime: { self.state.withLock { $0.uptime } },
            sleep: { duration in try await self.sleep(duration) }
        )
    }

    /// Like ``monotonic``, but pauses of under a second end at once: for those inside an attempt that are not under test.
    public var withoutPauses: MonotonicClock {
        MonotonicClock(
            uptime: { self.state.withLock { $0.uptime } },
            sleep: { duration in if duration >= .seconds(1) { try await self.sleep(duration) } }
        )
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // Nil where it was cancelled before it slept.
                let woken = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
                    if state.cancelled.remove(id) != nil { return nil }
                    state.sleepers[id] = (state.uptime + duration, continuation)
                    let count = state.sleepers.count
                    defer { state.awaiting.removeAll { $0.count <= count } }
                    return state.awaiting.filter { $0.count <= count }.map(\.continuation)
                }
                if woken == nil { continuation.resume(throwing: CancellationError()) }
                for waiter in woken ?? [] { waiter.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    /// Waits until at least `count` tasks sleep, so that a test can let time pass for them.
    public func sleepers(count: Int) async {
        await withCheckedContinuation { continuation in
            let areThere = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.awaiting.append((count, continuation))
                return false
            }
            if areThere { continuation.resume() }
        }
    }

    /// How many tasks sleep.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Lets `seconds` pass on both clocks and wakes whoever slept until then.
    public func advance(by seconds: Int64) {
        let woken = state.withLock { state in
            state.wall = UnixTime(seconds: state.wall.seconds + seconds)
            state.uptime += .seconds(seconds)
            let now = state.uptime
            let woken = state.sleepers.filter { $0.value.wakeAt <= now }
            for id in woken.keys { state.sleepers[id] = nil }
            return woken.values.map(\.continuation)
        }
        for sleeper in woken { sleeper.resume() }
    }

    /// Steps the time of day alone, as a correction by NTP does.
    public func stepWall(by seconds: Int64) {
        state.withLock { $0.wall = UnixTime(seconds: $0.wall.seconds + seconds) }
    }
}
