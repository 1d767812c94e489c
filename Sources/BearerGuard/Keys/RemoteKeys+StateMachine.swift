// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What ``RemoteKeys`` knows and decides: pure, no clock, no I/O, no lock.
///
/// Every method gets the time and answers what to do.
package struct KeyRefreshMachine: Sendable {
    /// One fetch that the shell must start, and end by ``finish(_:with:at:)``.
    package struct Ticket: Sendable, Hashable {
        package let sequence: UInt64
        package let entityTag: String?
        package let lastModified: String?
    }

    package enum Outcome: Sendable {
        /// A set with at least one usable key.
        case keys(KeySnapshot, life: Duration, entityTag: String?, lastModified: String?)
        /// 304: what we hold is what there is.
        case unchanged(life: Duration)
        /// Anything else. `retryAfter` is the issuer's own wish.
        case failure(retryAfter: Duration?)
    }

    package enum MissingAction: Sendable, Hashable {
        /// Start this fetch and wait for it.
        case fetch(Ticket)
        /// Wait for the one under way.
        case join
        /// The set is known well enough: there is no such key.
        case unknown
        /// Nobody can say before this pause is over.
        case unavailable(retryAfter: Duration)
    }

    private struct Held: Sendable {
        var snapshot: KeySnapshot
        var refreshAt: Duration
        var freshUntil: Duration
        var usableUntil: Duration
        var entityTag: String?
        var lastModified: String?
    }

    private let policy: RefreshPolicy
    private var held: Held?
    private var nextSequence: UInt64 = 1
    private var acceptedSequence: UInt64 = 0
    private var inFlight: UInt64?
    private var lastAttempt: Duration?
    private var failures = 0
    private var retryAt: Duration?
    private var unknownKeys: [ExactString: Duration] = [:]

    package init(policy: RefreshPolicy) {
        self.policy = policy
    }

    /// Whether a fetch is under way.
    package var isFetching: Bool { inFlight != nil }

    /// The keys at hand, and a fetch to start in the background when they are about to end.
    package mutating func current(at now: Duration) -> (availability: KeyAvailability, refresh: Ticket?) {
        guard let held, now < held.usableUntil else {
            return (.unavailable(.init(cause: .unreachable, retryAfter: pause(at: now).wholeSeconds)), nil)
        }
        let refresh = now >= held.refreshAt && inFlight == nil && mayRetry(at: now) ? begin(at: now) : nil
        return (now < held.freshUntil ? .fresh(held.snapshot) : .stale(held.snapshot), refresh)
    }

    /// What to do for a request that no key at hand can serve.
    package mutating func missing(_ keyID: String?, at now: Duration) -> MissingAction {
        guard let held, now < held.usableUntil else {
            if inFlight != nil { return .join }
            return mayRetry(at: now) ? .fetch(begin(at: now)) : .unavailable(retryAfter: pause(at: now))
        }
        guard let keyID else { return .unknown }
        let id = ExactString(keyID)
        if let until = unknownKeys[id], now < until { return answer(at: now) }
        // One in flight may bring it: a flood of unknown names must not hide a real rotation behind a cooldown.
        if inFlight != nil { return .join }
        if let lastAttempt, now < lastAttempt + policy.cooldown { return answer(at: now) }
        remember(id, at: now)
        return .fetch(begin(at: now))
    }

    /// Takes the outcome of a fetch.
    ///
    /// An answer older than one already taken changes nothing.
    package mutating func finish(_ ticket: Ticket, with outcome: Outcome, at now: Duration) {
        if inFlight == ticket.sequence { inFlight = nil }
        guard ticket.sequence > acceptedSequence else { return }
        switch outcome {
        case .keys(let snapshot, let life, let entityTag, let lastModified):
            accept(ticket, snapshot, life: life, entityTag: entityTag, lastModified: lastModified, at: now)
            unknownKeys = unknownKeys.filter { snapshot.keys(named: $0.key.text).isEmpty }
        case .unchanged(let life):
            guard let held else { return fail(retryAfter: nil, at: now) }
            accept(
                ticket,
                held.snapshot,
                life: life,
                entityTag: held.entityTag,
                lastModified: held.lastModified,
                at: now
            )
        case .failure(let retryAfter):
            fail(retryAfter: retryAfter, at: now)
        }
    }

    private mutating func accept(
        _ ticket: Ticket,
        _ snapshot: KeySnapshot,
        life: Duration,
        entityTag: String?,
        lastModified: String?,
        at now: Duration
    ) {
        acceptedSequence = ticket.sequence
        failures = 0
        retryAt = nil
        held = Held(
            snapshot: snapshot,
            refreshAt: now + policy.jittered(life * policy.refreshShare),
            freshUntil: now + life,
            usableUntil: now + max(life, policy.staleLife),
            entityTag: entityTag,
            lastModified: lastModified
        )
    }

    private mutating func fail(retryAfter: Duration?, at now: Duration) {
        let doubled = policy.backoff.lowerBound * (1 << min(failures, 10))
        let pause = min(max(policy.jittered(doubled), retryAfter ?? .zero), policy.backoff.upperBound)
        failures += 1
        retryAt = now + pause
    }

    private mutating func begin(at now: Duration) -> Ticket {
        let ticket = Ticket(sequence: nextSequence, entityTag: held?.entityTag, lastModified: held?.lastModified)
        nextSequence += 1
        inFlight = ticket.sequence
        lastAttempt = now
        return ticket
    }

    private mutating func remember(_ keyID: ExactString, at now: Duration) {
        if unknownKeys.count >= policy.unknownKeys { unknownKeys = unknownKeys.filter { now < $0.value } }
        if unknownKeys.count < policy.unknownKeys { unknownKeys[keyID] = now + policy.unknownKeyLife }
    }

    /// A 401 only if the last attempt succeeded within its life: otherwise the key may exist and we cannot know.
    private func answer(at now: Duration) -> MissingAction {
        guard failures == 0, let held, now < held.freshUntil else { return .unavailable(retryAfter: pause(at: now)) }
        return .unknown
    }

    private func mayRetry(at now: Duration) -> Bool { retryAt.map { now >= $0 } ?? true }

    private func pause(at now: Duration) -> Duration {
        max(.seconds(1), retryAt.map { $0 - now } ?? .zero)
    }
}

extension Duration {
    /// Seconds, rounded up, as `Retry-After` wants them.
    var wholeSeconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0)
    }
}
