// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// The keys of one issuer in an audit: those of the configuration, or those of the time that a token is judged at.
enum JudgeKeys: Sendable {
    case source(any KeySource)
    case history(KeyHistory, withdrawals: [String: UnixTime])

    static func archived(_ history: KeyHistory) -> JudgeKeys { .history(history, withdrawals: history.withdrawals) }

    /// The keys that held at `time`, and for how long; nil where none are known.
    func held(at time: UnixTime) -> (keys: KeySnapshot, period: Range<UnixTime>)? {
        switch self {
        // An audit fetches nothing: what a source has it keeps.
        case .source(let source): source.current().snapshot.map { ($0, UnixTime.always) }
        case .history(let history, _): history.held(at: time)
        }
    }

    /// When the issuer no longer published a key.
    func withdrawnSince(thumbprint: String) -> UnixTime? {
        guard case .history(_, let withdrawals) = self else { return nil }
        return withdrawals[thumbprint]
    }

    /// Every key that may be meant.
    var all: [VerificationKey] {
        switch self {
        case .source(let source): source.current().snapshot?.keys ?? []
        case .history(let history, _): history.verificationKeys
        }
    }
}
