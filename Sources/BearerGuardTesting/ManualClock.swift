// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import Synchronization

/// Clocks that stand still until a test moves them.
public final class ManualClock: Sendable {
    private struct State {
        var wall: UnixTime
        var uptime: Duration = .seconds(1_000)
        var sleepers: [(wakeAt: Duration, continuation: CheckedContinuation<Void, Never>)] = []
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
            sleep: { duration in await self.sleep(duration) }
        )
    }

    /// Like ``monotonic``, but sleeping on it ends at once: for what pauses inside and is not under test.
    public var withoutPauses: MonotonicClock {
        MonotonicClock(uptime: { self.state.withLock { $0.uptime } }, sleep: { _ in })
    }

    private func sleep(_ duration: Duration) async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.sleepers.append(($0.uptime + duration, continuation)) }
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
            let woken = state.sleepers.filter { $0.wakeAt <= now }
            state.sleepers.removeAll { $0.wakeAt <= now }
            return woken
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Steps the time of day alone, as a correction by NTP does.
    public func stepWall(by seconds: Int64) {
        state.withLock { $0.wall = UnixTime(seconds: $0.wall.seconds + seconds) }
    }
}
