// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import BearerGuardAsyncHTTPClient
import Synchronization

/// The fetched keys of issuers, kept across changes of the configuration that do not concern them.
package final class IssuerKeys: Sendable {
    /// What makes two issuers of two configurations have the same keys.
    private struct Origin: Hashable {
        let alias: String
        let issuer: String
        let keys: PolicyDocument.KeyLocation
        let allowsLoopbackHTTP: Bool
        let trustRootsFile: String?
        let bearerTokenFile: String?

        init(_ issuer: PolicyDocument.Issuer) {
            alias = issuer.alias
            self.issuer = issuer.policy.issuer
            keys = issuer.keys
            allowsLoopbackHTTP = issuer.allowsLoopbackHTTP
            trustRootsFile = issuer.trustRootsFile
            bearerTokenFile = issuer.bearerTokenFile
        }
    }

    private struct Entry: Sendable {
        let keys: RemoteKeys
        let fetcher: AsyncHTTPClientFetcher
        /// Refreshes also in quiet hours.
        let refreshing: Task<Void, Never>
    }

    private let entries = Mutex<[Origin: Entry]>([:])
    private let directory: String
    private let onRefresh: @Sendable (KeyRefreshEvent) -> Void

    /// Keys of nobody.
    ///
    /// - Parameters:
    ///   - directory: where relative file names of configurations start.
    ///   - onRefresh: hears of refreshes.
    package init(relativeTo directory: String, onRefresh: @escaping @Sendable (KeyRefreshEvent) -> Void) {
        self.directory = directory
        self.onRefresh = onRefresh
    }

    /// The issuers of a configuration with their keys: those at hand where there are some.
    ///
    /// - Parameter onChange: hears of changes of key files; those of fetched keys are told by themselves.
    /// - Throws: ``ConfigurationError`` when a file cannot be read or holds no usable key.
    package func trustedIssuers(
        of policy: PolicyDocument,
        onChange: (@Sendable (KeyRefreshEvent) -> Void)? = nil
    ) throws(ConfigurationError) -> [TrustedIssuer] {
        try policy.trustedIssuers(relativeTo: directory, onFileChange: onChange) { issuer throws(ConfigurationError) in
            try self.keys(of: issuer)
        }
    }

    private func keys(of issuer: PolicyDocument.Issuer) throws(ConfigurationError) -> any KeySource {
        let origin = Origin(issuer)
        if let entry = entries.withLock({ $0[origin] }) { return entry.keys }
        let fetcher = try AsyncHTTPClientFetcher(options: .init(issuer, relativeTo: directory))
        let keys: RemoteKeys
        do throws(ConfigurationError) {
            keys = try issuer.remoteKeys(fetcher: fetcher, onRefresh: onRefresh)
        } catch {
            Task { await fetcher.shutdown() }
            throw error
        }
        let entry = Entry(keys: keys, fetcher: fetcher, refreshing: Task { await keys.run() })
        entries.withLock { $0[origin] = entry }
        return keys
    }

    /// Lets go of keys that are not of these issuers.
    package func release(keeping issuers: [PolicyDocument.Issuer]) async {
        let kept = Set(issuers.map(Origin.init))
        let released = entries.withLock { entries in
            let released = entries.filter { !kept.contains($0.key) }
            entries = entries.filter { kept.contains($0.key) }
            return released.values
        }
        for entry in released {
            entry.refreshing.cancel()
            await entry.refreshing.value
            await entry.fetcher.shutdown()
        }
    }
}
#endif
