// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import Synchronization

/// The policy in force, which is replaced whole or not at all.
package final class GatewayState: Sendable {
    private struct State {
        var document: GatewayDocument
        var policy: GatewayPolicy
        var peers: [AddressRange]
    }

    private let state: Mutex<State>
    private let keys: IssuerKeys
    private let fingerprintKey = TokenFingerprint.Key.random()
    package let metrics: GatewayMetrics
    package let log: GatewayLog

    /// Starts with a configuration.
    ///
    /// - Throws: ``ConfigurationError`` when it names files that cannot be used.
    package init(
        _ document: GatewayDocument,
        relativeTo directory: String,
        log: GatewayLog
    ) throws(ConfigurationError) {
        let metrics = GatewayMetrics()
        let observer = GuardObservers(metrics, log)
        keys = IssuerKeys(relativeTo: directory, onRefresh: observer.keyRefreshes)
        self.metrics = metrics
        self.log = log
        let policy = try Self.policy(document, keys, observer, fingerprintKey)
        state = Mutex(State(document: document, policy: policy, peers: document.trustedPeers))
    }

    /// The policy in force.
    package var policy: GatewayPolicy { state.withLock { $0.policy } }

    /// The configuration in force.
    package var document: GatewayDocument { state.withLock { $0.document } }

    /// Whether an address may ask; nil is the other end of a Unix socket, whose file says who may.
    package func trusts(_ address: String?) -> Bool {
        guard let address else { return true }
        let peers = state.withLock { $0.peers }
        return peers.contains { $0.contains(address) }
    }

    /// Puts another configuration in force; requests at hand are decided by the one that they began with.
    ///
    /// - Throws: ``ConfigurationError`` when it names files that cannot be used; the old one stays in force.
    package func replace(by document: GatewayDocument) async throws(ConfigurationError) {
        let old = self.document
        let policy: GatewayPolicy
        do throws(ConfigurationError) {
            policy = try Self.policy(document, keys, GuardObservers(metrics, log), fingerprintKey)
        } catch {
            await keys.release(keeping: old.policy)
            throw error
        }
        state.withLock { $0 = State(document: document, policy: policy, peers: document.trustedPeers) }
        log.setLevel(document.logLevel)
        await keys.release(keeping: document.policy)
        if document.listeners != old.listeners || document.limits != old.limits {
            log.note(.warning, "listeners and limits change with a restart alone")
        }
    }

    /// Lets go of everything.
    package func close() async { await keys.release(keeping: nil) }

    private static func policy(
        _ document: GatewayDocument,
        _ keys: IssuerKeys,
        _ observer: any GuardObserver,
        _ fingerprintKey: TokenFingerprint.Key
    ) throws(ConfigurationError) -> GatewayPolicy {
        GatewayPolicy(
            rules: document.rules,
            identity: document.identity,
            requestGuard: try RequestGuard(
                issuers: try keys.trustedIssuers(of: document.policy),
                realm: document.policy.realm,
                observer: observer,
                fingerprintKey: fingerprintKey
            ),
            requirement: document.policy.requirement
        )
    }
}
#endif
