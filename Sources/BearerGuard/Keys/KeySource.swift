// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Where one issuer's keys come from: ``StaticKeys`` or ``RemoteKeys``.
public protocol KeySource: Sendable {
    /// The keys at hand. Never waits; may start a refresh that nobody waits for.
    func current() -> KeyAvailability

    /// Asked when no key is at hand, or none is named `keyID`. Waits for a refresh if one may help.
    func resolve(missing keyID: String?) async -> KeyResolution
}

/// What a source has at this moment.
public enum KeyAvailability: Sendable {
    /// Keys within their life.
    case fresh(KeySnapshot)
    /// Keys past their life, still usable because the issuer cannot be reached.
    case stale(KeySnapshot)
    /// No usable key.
    case unavailable(KeysUnavailable)
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
