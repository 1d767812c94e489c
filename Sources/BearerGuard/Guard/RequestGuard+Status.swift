// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What probes, metrics and people ask.
extension RequestGuard {
    /// Whether every issuer has keys: what a readiness probe asks; liveness has nothing to do with it.
    ///
    /// Asking starts the fetch of keys that are missing, so that a server which gets no requests before it is ready, or
    /// had none for a day, becomes ready by being probed.
    public var isReady: Bool {
        // Each is asked: the one that is missing must not keep the next from being fetched.
        issuers.values.map { $0.keys.current().snapshot != nil }.allSatisfy(\.self)
    }

    /// How many verified tokens are remembered, and the bytes that they take; nil for a guard that remembers none.
    public var rememberedTokens: (tokens: Int, bytes: Int)? { isCaching ? cache.size : nil }

    /// The state of each issuer's keys, by alias.
    public func status() -> [(issuerAlias: String, keys: KeySourceStatus)] {
        issuers.values.map { ($0.issuer.alias, $0.issuer.keys.status()) }.sorted { $0.issuerAlias < $1.issuerAlias }
    }
}
