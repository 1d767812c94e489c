// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One attempt to refresh an issuer's keys, and what it means; or a key file that could not be used, which is an event
/// with that one alarm.
public struct KeyRefreshEvent: Sendable {
    /// The configured name of the issuer.
    public let issuerAlias: String
    /// Why it failed; nil when it succeeded.
    public let failure: KeyRefreshFailure?
    /// The key identifiers of a new set, escaped; empty for a set that did not change since (304).
    public let keyIDs: [String]
    /// Entries of a new set that cannot be used.
    public let unusableKeys: Int
    /// Whether requests are served with keys past their life.
    public let isServingStale: Bool
    /// What an operator should look at.
    public let alarms: [KeyAlarm]
    /// How long attempts have been failing; nil after a success.
    public let failingFor: Duration?
    /// Attempts that failed in a row, this one included: 1 is the moment to say so.
    public let failuresInARow: Int
    /// The set as the issuer sent it, public keys alone in any sane one; nil where none was taken.
    public let keySet: [UInt8]?

    /// An event, for observers under test.
    ///
    /// - Parameters:
    ///   - issuerAlias: the configured name of the issuer.
    ///   - failure: why it failed.
    ///   - keyIDs: the key identifiers of a new set.
    ///   - unusableKeys: entries of a new set that cannot be used.
    ///   - isServingStale: whether requests are served with keys past their life.
    ///   - alarms: what an operator should look at.
    ///   - failingFor: how long attempts have been failing.
    ///   - failuresInARow: attempts that failed in a row.
    ///   - keySet: the set as it was sent.
    public init(
        issuerAlias: String,
        failure: KeyRefreshFailure? = nil,
        keyIDs: [String] = [],
        unusableKeys: Int = 0,
        isServingStale: Bool = false,
        alarms: [KeyAlarm] = [],
        failingFor: Duration? = nil,
        failuresInARow: Int = 0,
        keySet: [UInt8]? = nil
    ) {
        self.issuerAlias = issuerAlias
        self.failure = failure
        self.keyIDs = keyIDs
        self.unusableKeys = unusableKeys
        self.isServingStale = isServingStale
        self.alarms = alarms
        self.failingFor = failingFor
        self.failuresInARow = failuresInARow
        self.keySet = keySet
    }
}

/// Something about an issuer's keys that an operator should look at.
public struct KeyAlarm: Sendable, Hashable {
    /// What it is: a closed set, fit for a metric label.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A key that the set before did not have.
        case keyAppeared = "key_appeared"
        /// A key is gone: its tokens are refused from now on.
        case keyVanished = "key_vanished"
        /// The same `kid` names another key.
        case keyReplaced = "key_replaced"
        /// The same key is for another algorithm.
        case algorithmChanged = "algorithm_changed"
        /// The issuer publishes a set without a single usable key; the one before serves on.
        case nothingUsable = "nothing_usable"
        /// Attempts fail since just now.
        case sourceFailing = "source_failing"
        /// Attempts succeed again.
        case sourceRecovered = "source_recovered"
        /// Requests are served with keys past their life.
        case staleInUse = "stale_in_use"
        /// There are no keys any more, or none yet: requests get 503.
        case unavailable
        /// More unknown key identifiers than are remembered: somebody tries names.
        case unknownKeysFull = "unknown_keys_full"
        /// The key file could not be read or written.
        case keyFileFailing = "key_file_failing"
    }

    /// What it is.
    public let kind: Kind
    /// The key that it is about, escaped; nil where it is about the source.
    public let keyID: String?

    /// An alarm.
    ///
    /// - Parameters:
    ///   - kind: what it is.
    ///   - keyID: the key that it is about.
    public init(_ kind: Kind, keyID: String? = nil) {
        self.kind = kind
        self.keyID = keyID
    }

    static func alarms(of changes: KeySetChanges) -> [KeyAlarm] {
        changes.appeared.map { KeyAlarm(.keyAppeared, keyID: $0) }
            + changes.vanished.map { KeyAlarm(.keyVanished, keyID: $0) }
            + changes.replaced.map { KeyAlarm(.keyReplaced, keyID: $0) }
            + changes.algorithmChanged.map { KeyAlarm(.algorithmChanged, keyID: $0) }
    }
}

/// Why keys could not be refreshed, as a class of causes.
public enum KeyRefreshFailure: String, Error, Sendable, Hashable, CaseIterable {
    /// The name was not found, nothing answered, or the connection ended before the answer did.
    case connection
    /// An address that keys are never fetched from: link-local, or a cloud's metadata service.
    case forbiddenAddress = "forbidden_address"
    /// No trusted certificate.
    case tls
    /// Too slow.
    case timeout
    /// More bytes than allowed.
    case tooLarge = "too_large"
    /// Not 200.
    case status
    /// Not a key set, or metadata of another issuer.
    case content
    /// A key set without a single usable key.
    case noUsableKey = "no_usable_key"
    /// Anything else.
    case failed

    init(_ error: FetchError) {
        switch error {
        case .connection: self = .connection
        case .forbiddenAddress: self = .forbiddenAddress
        case .tls: self = .tls
        case .timeout: self = .timeout
        case .tooLarge: self = .tooLarge
        case .failed: self = .failed
        }
    }
}
