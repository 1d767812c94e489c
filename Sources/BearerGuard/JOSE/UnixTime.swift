// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A time on the wall clock since 1970-01-01T00:00:00Z, as tokens state it (RFC 7519 §2, NumericDate).
public struct UnixTime: Sendable, Hashable, Comparable, BitwiseCopyable {
    /// Whole seconds, rounded down.
    public let seconds: Int64
    /// The rest, 0 to 999 999 999.
    public let nanoseconds: Int32

    /// A time at a whole second.
    public init(seconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = 0
    }

    package init(seconds: Int64, nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Reads a NumericDate: a finite number of a magnitude that a double holds exactly, fractions allowed.
    package init?(_ value: JSONValue) {
        switch value {
        case .integer(let seconds):
            guard (-Self.limit...Self.limit).contains(seconds) else { return nil }
            self.init(seconds: seconds)
        case .number(let number):
            guard number.magnitude <= Double(Self.limit) else { return nil }
            let whole = number.rounded(.down)
            self.init(seconds: Int64(whole), nanoseconds: Int32((number - whole) * 1e9))
        default: return nil
        }
    }

    /// Every time but the last.
    package static let always = UnixTime(seconds: .min)..<UnixTime(seconds: .max)

    private static let limit: Int64 = 1 << 53

    /// The time `seconds` later, at most the last representable one.
    package func advanced(by seconds: Int64) -> UnixTime {
        let (sum, overflow) = self.seconds.addingReportingOverflow(seconds)
        return UnixTime(seconds: overflow ? (seconds > 0 ? .max : .min) : sum, nanoseconds: nanoseconds)
    }

    /// Orders by time.
    public static func < (left: UnixTime, right: UnixTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}
