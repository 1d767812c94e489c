// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// The keys of one issuer in an audit: those of the configuration, or those of the time that a token is judged at.
final class JudgeKeys: Sendable {
    private let source: any KeySource
    /// Nil where the source has them.
    private let history: KeyHistory?
    private let withdrawals: [String: UnixTime]

    init(_ source: any KeySource) {
        self.source = source
        history = nil
        withdrawals = [:]
    }

    init(archived history: KeyHistory) {
        source = OfflineKeys()
        self.history = history
        withdrawals = history.withdrawals
    }

    /// Whether they are the same at any time.
    var areSteady: Bool { history == nil }

    /// The keys that held at `time`, and for how long; nil where none are known.
    func held(at time: UnixTime) -> (keys: KeySnapshot, period: Range<UnixTime>)? {
        // An audit fetches nothing: what a source has it keeps.
        areSteady ? source.current().snapshot.map { ($0, UnixTime.always) } : history?.held(at: time)
    }

    /// When the issuer no longer published a key.
    func withdrawnSince(thumbprint: String) -> UnixTime? { withdrawals[thumbprint] }

    /// Every key that may be meant.
    var all: [VerificationKey] { history?.verificationKeys ?? source.current().snapshot?.keys ?? [] }
}
