// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One attempt to refresh an issuer's keys.
public struct KeyRefreshEvent: Sendable {
    /// The configured name of the issuer.
    public let issuerAlias: String
    /// Why it failed; nil when it succeeded.
    public let failure: KeyRefreshFailure?
    /// The key identifiers of a new set, escaped.
    public let keyIDs: [String]
    /// Entries of a new set that cannot be used.
    public let unusableKeys: Int
    /// Whether requests are served with keys past their life.
    public let isServingStale: Bool
}

/// Why keys could not be refreshed, as a class of causes.
public enum KeyRefreshFailure: String, Error, Sendable, Hashable, CaseIterable {
    /// The name was not found, or nothing answered.
    case connection
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
        case .tls: self = .tls
        case .timeout: self = .timeout
        case .tooLarge: self = .tooLarge
        case .failed: self = .failed
        }
    }
}
