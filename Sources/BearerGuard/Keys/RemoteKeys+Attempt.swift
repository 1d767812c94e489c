// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What the issuer knows a set by, to be asked whether it is still the one (RFC 9110 §8.8).
///
/// They are of one address: what another address calls unchanged is another set.
package struct KeySetValidators: Sendable, Hashable {
    package let url: String
    package let entityTag: String?
    package let lastModified: String?

    /// Nil where there is nothing to ask by.
    package init?(url: String, entityTag: String?, lastModified: String?) {
        if entityTag == nil, lastModified == nil { return nil }
        self.url = url
        self.entityTag = entityTag
        self.lastModified = lastModified
    }
}

extension KeyRefreshMachine {
    /// One fetch that the shell must start, and end by ``finish(_:with:at:)``.
    package struct Ticket: Sendable, Hashable {
        package let sequence: UInt64
        /// When the issuer is asked: its answer says what held then, however late it comes.
        package let askedAt: Duration
        /// Of the set at hand; nil to get the whole set whatever is at hand.
        package let validators: KeySetValidators?
        /// Whether it looks for one unknown key, which a stranger may have made up: then one try must do.
        package let isSearch: Bool
    }

    package enum Outcome: Sendable {
        /// A set with at least one usable key.
        case keys(KeySnapshot, life: Duration, KeySetValidators?)
        /// 304: the set that the ticket named is what there is.
        case unchanged(life: Duration)
        /// Anything else. `retryAfter` is the issuer's own wish.
        case failure(KeyRefreshFailure, retryAfter: Duration?)
    }

    /// What came of a fetch that has ended.
    package struct Ending: Sendable {
        /// What an operator should look at; nil for an outcome that changed nothing: a newer answer was taken already, it
        /// is the late failure of a fetch that was given up, or it confirms a set that is no longer at hand.
        package var alarms: [KeyAlarm]?
        /// Whether it is the fetch that requests wait for: not one that was given up before.
        package var endsWaiting: Bool
    }

    package enum MissingAction: Sendable, Hashable {
        /// Start this fetch and wait for it.
        case fetch(Ticket)
        /// Wait for the one under way.
        case join
        /// The keys at hand have it by now: an attempt ended between the look at them and the question.
        case atHand
        /// The set is known well enough: there is no such key.
        case unknown
        /// Nobody can say before this pause is over.
        case unavailable(retryAfter: Duration)
    }
}
