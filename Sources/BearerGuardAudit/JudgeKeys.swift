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
    init(_ source: any KeySource) {
        configured = source.current().snapshot
        history = nil
        withdrawals = [:]
    }

    init(archived history: KeyHistory) {
        configured = nil
        self.history = history
        withdrawals = history.withdrawals
    }

    private init(copying other: JudgeKeys) {
        configured = other.configured?.copy
        history = other.history
        withdrawals = other.withdrawals
    }

    /// The same, with objects of its own.
    var copy: JudgeKeys { JudgeKeys(copying: self) }

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
