// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Where one issuer's keys come from: ``StaticKeys``, ``KeyFile`` or ``RemoteKeys``.
public protocol KeySource: Sendable {
    /// The keys at hand. Never waits; may start a refresh that nobody waits for.
    func current() -> KeyAvailability

    /// Asked when no key is at hand, or none is named `keyID`. Waits for a refresh if one may help.
    func resolve(missing keyID: String?) async -> KeyResolution

    /// Asked when a request demands keys that were confirmed within `age`. Waits for a refresh if one may help.
    func refreshed(within age: Duration) async -> KeyAvailability

    /// What an operator wants to know of the source. Never waits and starts nothing.
    func status() -> KeySourceStatus
}

extension KeySource {
    /// For sources that change with the configuration alone: what is at hand.
    public func refreshed(within age: Duration) async -> KeyAvailability { current() }

    /// For sources that change with the configuration alone: what is at hand, without a history.
    public func status() -> KeySourceStatus { KeySourceStatus(current(), origin: .configuration) }
}

/// What a source has at this moment, and how long ago its origin last confirmed it.
public enum KeyAvailability: Sendable {
    /// Keys within their life.
    case fresh(KeySnapshot, age: Duration)
    /// Keys past their life, still usable: the issuer cannot be reached, or nobody asked for a while.
    case stale(KeySnapshot, age: Duration)
    /// No usable key.
    case unavailable(KeysUnavailable)

    /// The keys, however old.
    package var snapshot: KeySnapshot? {
        switch self {
        case .fresh(let snapshot, _), .stale(let snapshot, _): snapshot
        case .unavailable: nil
        }
    }

    /// Time since the origin of the keys last confirmed them; nil where there are none.
    public var age: Duration? {
        switch self {
        case .fresh(_, let age), .stale(_, let age): age
        case .unavailable: nil
        }
    }
}

/// What a refresh brought.
public enum KeyResolution: Sendable {
    /// Look again in these keys.
    case keys(KeyAvailability)
    /// The issuer's set is known well enough to say that it has no such key.
    case unknown
    /// Nobody can say at the moment.
    case unavailable(KeysUnavailable)
}

/// There is no usable key set: our fault or the issuer's, never the caller's.
///
/// HTTP 503 with `Retry-After`.
public struct KeysUnavailable: Error, Sendable, Hashable {
    /// Why, as a class of causes.
    public enum Cause: String, Sendable, Hashable, CaseIterable {
        /// No attempt has succeeded yet, or the last success is too long ago.
        case unreachable
        /// The keys at hand are older than the requirement allows, and the issuer cannot confirm them.
        case tooOld = "too_old"
        /// Too many requests wait already.
        case overloaded
        /// The configuration names keys that this program does not fetch.
        case offline
    }

    /// The class of the cause.
    public let cause: Cause
    /// Seconds after which trying again makes sense; at least 1.
    public let retryAfter: Int

    /// Says that keys are missing.
    ///
    /// - Parameters:
    ///   - cause: the class of the cause.
    ///   - retryAfter: seconds after which trying again makes sense.
    public init(cause: Cause, retryAfter: Int) {
        self.cause = cause
        self.retryAfter = max(1, retryAfter)
    }
}
