// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Hears what a guard did.
///
/// BearerGuard's core writes no log; an observer turns events into logs, metrics and traces.
public protocol GuardObserver: Sendable {
    /// Called once for each decision and each refresh, on the thread that made it; must not block.
    func observe(_ event: GuardEvent)
}

/// What happened.
///
/// No member holds a token, a claim or a URL from a token.
public enum GuardEvent: Sendable {
    /// A request was decided.
    case decided(DecisionEvent)
    /// Keys were fetched, or could not be.
    case keysRefreshed(KeyRefreshEvent)
}

/// One decision of a guard.
public struct DecisionEvent: Sendable {
    /// `authorized`, `anonymous`, or the stable text of a rejection code: a closed set, fit for a metric label.
    public let outcome: String
    /// The HTTP status that goes with it: 200 for an allowed request.
    public let status: Int
    /// The configured name of the issuer; nil where none was chosen.
    public let issuerAlias: String?
    /// The algorithm, where it is one that exists.
    public let algorithm: SignatureAlgorithm?
    /// `kid` of the token, escaped and cut to 128 characters.
    public let keyID: String?
    /// Names the token; nil where there was none.
    public let fingerprint: TokenFingerprint?
    /// What an operator needs to know more: fixed texts, no token data.
    public let detail: String?
    /// Whether the keys were past their life.
    public let usesStaleKeys: Bool
    /// Whether the token was found among those verified before.
    public let wasCached: Bool
    /// Time from the credentials to the decision.
    public let elapsed: Duration

    package init(
        outcome: String,
        status: Int,
        issuerAlias: String?,
        algorithm: SignatureAlgorithm?,
        keyID: String?,
        fingerprint: TokenFingerprint?,
        detail: String?,
        usesStaleKeys: Bool,
        wasCached: Bool = false,
        elapsed: Duration
    ) {
        self.outcome = outcome
        self.status = status
        self.issuerAlias = issuerAlias
        self.algorithm = algorithm
        self.keyID = keyID
        self.fingerprint = fingerprint
        self.detail = detail
        self.usesStaleKeys = usesStaleKeys
        self.wasCached = wasCached
        self.elapsed = elapsed
    }
}

extension GuardObserver {
    /// Passes refreshes on: give it to ``RemoteKeys`` as `onRefresh`.
    public var keyRefreshes: @Sendable (KeyRefreshEvent) -> Void {
        { observe(.keysRefreshed($0)) }
    }
}
