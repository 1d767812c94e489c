// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The time of day, for what tokens state: their end, beginning and age.
public struct WallClock: Sendable {
    package let now: @Sendable () -> UnixTime

    /// The time now.
    public var time: UnixTime { now() }

    /// A clock of your own, for tests and for audits of the past.
    public init(now: @escaping @Sendable () -> UnixTime) {
        self.now = now
    }

    /// The clock of the machine.
    public static let system = WallClock {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(seconds: Int64(time.tv_sec), nanoseconds: Int32(truncatingIfNeeded: time.tv_nsec))
    }

    /// A clock that stands still.
    public static func fixed(_ time: UnixTime) -> WallClock { WallClock { time } }
}
