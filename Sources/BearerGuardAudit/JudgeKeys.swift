// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// The keys of one issuer in an audit: those of the configuration, or those of the time that a token is judged at.
final class JudgeKeys: Sendable {
    /// Those of the configuration; nil where there are none, or the archive has them.
    private let configured: KeySnapshot?
    private let history: KeyHistory?
    private let withdrawals: [String: UnixTime]

    /// - Parameter source: what it has at hand now is what the audit judges by: it waits for none.
    convenience init(_ source: any KeySource) { self.init(source.current().snapshot, nil, [:]) }

    convenience init(archived history: KeyHistory) { self.init(nil, history, history.withdrawals) }

    private init(_ configured: KeySnapshot?, _ history: KeyHistory?, _ withdrawals: [String: UnixTime]) {
        self.configured = configured
        self.history = history
        self.withdrawals = withdrawals
    }

    /// The same, with objects of its own.
    var copy: JudgeKeys { JudgeKeys(configured?.copy, history, withdrawals) }

    /// Whether they are the same at any time.
    var areSteady: Bool { history == nil }

    /// The keys that held at `time`, and for how long; nil where none are known.
    func held(at time: UnixTime) -> (keys: KeySnapshot, period: Range<UnixTime>)? {
        areSteady ? configured.map { ($0, UnixTime.always) } : history?.held(at: time)
    }

    /// When the issuer no longer published a key.
    func withdrawnSince(thumbprint: String) -> UnixTime? { withdrawals[thumbprint] }

    /// Every key that may be meant.
    var all: [VerificationKey] { history?.verificationKeys ?? configured?.keys ?? [] }
}
