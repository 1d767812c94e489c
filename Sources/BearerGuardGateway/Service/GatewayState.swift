// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import Synchronization

/// The configuration in force, which is replaced whole or not at all.
package final class GatewayState: Sendable {
    /// Shadow decisions that wait for keys; more are not made.
    private static let shadowLimit = 64

    private let state: Mutex<ConfigurationInForce>
    private let keys: IssuerKeys
    private let directory: String
    /// What the service was started with: some of it changes with a restart alone.
    private let started: GatewayDocument
    private let observer: GatewayObserver
    private let fingerprintKey = TokenFingerprint.Key.random()
    private let shadowed = Atomic<Int>(0)
    package var metrics: GatewayMetrics { observer.metrics }
    package var log: GatewayLog { observer.log }

    /// Starts with a configuration.
    ///
    /// - Throws: ``ConfigurationError`` when it names files that cannot be used.
    package init(
        _ document: GatewayDocument,
        shadow: GatewayDocument? = nil,
        relativeTo directory: String,
        log: GatewayLog
    ) throws(ConfigurationError) {
        started = document
        observer = GatewayObserver(metrics: GatewayMetrics(), log: log)
        keys = IssuerKeys(relativeTo: directory, onRefresh: observer.keyRefreshes)
        let tokens = try Self.internalTokens(document, directory, nil)
        state = Mutex(try Self.state(document, shadow, keys, observer, fingerprintKey, tokens))
        self.directory = directory
    }

    /// What is in force now; a decision is made by one, whatever comes meanwhile.
    package var current: ConfigurationInForce { state.withLock { $0 } }

    /// Puts another configuration in force; requests at hand are decided by the one that they began with.
    ///
    /// - Throws: ``ConfigurationError`` when it names files that cannot be used; the old one stays in force.
    package func replace(
        by document: GatewayDocument,
        shadow: GatewayDocument? = nil
    ) async throws(ConfigurationError) {
        let old = current
        let new: ConfigurationInForce
        do throws(ConfigurationError) {
            let tokens = try Self.internalTokens(document, directory, old.policy.internalTokens)
            new = try Self.state(
                document,
                shadow,
                keys,
                observer,
                fingerprintKey,
                tokens
            )
        } catch {
            await keys.release(keeping: old.issuers)
            throw error
        }
        state.withLock { $0 = new }
        log.setLevel(document.logLevel)
        await keys.release(keeping: new.issuers)
        if document.listeners != started.listeners || document.limits != started.limits || document.tls != started.tls {
            log.note(.warning, "listen, tls and limits change with a restart alone")
        }
    }

    /// Lets the shadow policy, where there is one, decide too, and counts where it differs; nobody waits for it.
    func compare(
        _ request: OriginalRequest,
        _ credentials: RequestCredentials,
        by shadow: GatewayPolicy,
        with answer: GatewayPolicy.Answer
    ) {
        guard shadowed.add(1, ordering: .relaxed).newValue <= Self.shadowLimit else {
            shadowed.subtract(1, ordering: .relaxed)
            metrics.noteShadow(live: answer.status, shadow: nil)
            return
        }
        Task {
            let outcome = await shadow.decide(request, credentials)
            shadowed.subtract(1, ordering: .relaxed)
            metrics.noteShadow(live: answer.status, shadow: outcome.answer.status)
            guard outcome.answer.status != answer.status else { return }
            log.note(
                .info,
                "the shadow policy differs",
                [
                    ("status", .integer(Int64(answer.status))), ("shadow", .integer(Int64(outcome.answer.status))),
                    ("rule", outcome.rule.map { .string($0) } ?? .null),
                ]
            )
        }
    }

    /// Lets go of everything.
    package func close() async { await keys.release(keeping: []) }

    private static func state(
        _ document: GatewayDocument,
        _ shadow: GatewayDocument?,
        _ keys: IssuerKeys,
        _ observer: any GuardObserver,
        _ fingerprintKey: TokenFingerprint.Key,
        _ tokens: InternalTokenIssuer?
    ) throws(ConfigurationError) -> ConfigurationInForce {
        ConfigurationInForce(
            document,
            try policy(document, keys, observer, fingerprintKey, tokens),
            shadow: try shadow.map { shadow throws(ConfigurationError) in
                (shadow, try policy(shadow, keys, nil, fingerprintKey, nil))
            }
        )
    }

    private static func policy(
        _ document: GatewayDocument,
        _ keys: IssuerKeys,
        _ observer: (any GuardObserver)?,
        _ fingerprintKey: TokenFingerprint.Key,
        _ tokens: InternalTokenIssuer?
    ) throws(ConfigurationError) -> GatewayPolicy {
        GatewayPolicy(
            rules: document.rules,
            identity: document.identity,
            requestGuard: try RequestGuard(
                issuers: try keys.trustedIssuers(of: document.policy, onChange: observer?.keyRefreshes),
                realm: document.policy.realm,
                observer: observer,
                fingerprintKey: fingerprintKey
            ),
            requirement: document.policy.requirement,
            internalTokens: tokens
        )
    }

    private static func internalTokens(
        _ document: GatewayDocument,
        _ directory: String,
        _ previous: InternalTokenIssuer?
    ) throws(ConfigurationError) -> InternalTokenIssuer? {
        guard let settings = document.internalToken else { return nil }
        return try InternalTokenIssuer(settings, relativeTo: directory, previous: previous)
    }
}
#endif
