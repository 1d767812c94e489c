// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The state of one issuer's keys, for health pages, metrics and people.
public struct KeySourceStatus: Sendable, Hashable {
    /// What requests get at this moment.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Keys within their life.
        case fresh
        /// Keys past their life, still usable.
        case stale
        /// No usable key: requests get 503.
        case unavailable
    }

    /// Where the keys at hand came from.
    public enum Origin: String, Sendable, Hashable, CaseIterable {
        /// They are part of the configuration.
        case configuration
        /// A file that is read again when it changes.
        case file
        /// The issuer, over the network.
        case network
        /// The last good set of an earlier run, from the key file.
        case keyFile = "key_file"
    }

    /// What requests get.
    public let state: State
    /// Where the keys came from; nil where there are none.
    public let origin: Origin?
    /// Time since their origin last confirmed them; nil where there are none.
    public let age: Duration?
    /// How many keys can verify something.
    public let keyCount: Int
    /// Time until the next refresh is due, zero when it is overdue; nil for keys of the configuration.
    public let nextRefresh: Duration?
    /// Why the last attempt failed; nil when it succeeded or there was none.
    public let lastFailure: KeyRefreshFailure?
    /// How long attempts have been failing; nil when the last one succeeded.
    public let failingFor: Duration?

    /// A status.
    ///
    /// - Parameters:
    ///   - availability: what the source has.
    ///   - origin: where that came from.
    ///   - nextRefresh: time until the next refresh.
    ///   - lastFailure: why the last attempt failed.
    ///   - failingFor: how long attempts have been failing.
    public init(
        _ availability: KeyAvailability,
        origin: Origin,
        nextRefresh: Duration? = nil,
        lastFailure: KeyRefreshFailure? = nil,
        failingFor: Duration? = nil
    ) {
        state =
            switch availability {
            case .fresh: .fresh
            case .stale: .stale
            case .unavailable: .unavailable
            }
        self.origin = availability.snapshot == nil ? nil : origin
        age = availability.age
        keyCount = availability.snapshot?.keys.count ?? 0
        self.nextRefresh = nextRefresh
        self.lastFailure = lastFailure
        self.failingFor = failingFor
    }
}
