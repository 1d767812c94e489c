// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What ``RemoteKeys`` knows and decides: pure, no clock, no I/O, no lock.
///
/// Every method gets the time and answers what to do.
package struct KeyRefreshMachine: Sendable {
    private struct Held: Sendable {
        var snapshot: KeySnapshot
        var origin: KeySourceStatus.Origin
        var confirmedAt: Duration
        var refreshAt: Duration
        var freshUntil: Duration
        var usableUntil: Duration
        var validators: KeySetValidators?
    }

    private let policy: RefreshPolicy
    private var held: Held?
    private var nextSequence: UInt64 = 1
    private var acceptedSequence: UInt64 = 0
    private var inFlight: UInt64?
    /// Keys that were taken out by hand, and the first fetch whose question came after that.
    private var invalidated: (names: Set<ExactString>, askedSince: UInt64) = ([], 0)
    /// When an unknown key last caused a fetch.
    ///
    /// Other attempts do not count: a rotation just after one must be seen in the same request.
    private var lastSearch: Duration?
    private var failures = 0
    private var failingSince: Duration?
    private var lastFailure: KeyRefreshFailure?
    private var retryAt: Duration?
    /// Names that requests wait for, to be remembered as unknown if the answer lacks them.
    private var awaited: Set<ExactString> = []
    private var unknownKeys: [ExactString: Duration] = [:]
    private var hasForgottenUnknown = false
    /// What was told of the keys' state since the last success.
    private var toldState = KeySourceStatus.State.fresh

    package init(policy: RefreshPolicy) {
        self.policy = policy
    }

    /// Whether a fetch is under way.
    package var isFetching: Bool { inFlight != nil }

    /// Whether the fetch of `ticket` is still the one that is waited for.
    package func isWaiting(for ticket: Ticket) -> Bool { inFlight == ticket.sequence }

    /// How many unknown names are remembered or waited for: bounded, whatever is asked.
    package var rememberedNames: Int { max(unknownKeys.count, awaited.count) }

    /// The keys at hand, however old.
    package var snapshot: KeySnapshot? { held?.snapshot }

    /// Takes the last good set of an earlier run, `age` old.
    ///
    /// It is past its life, so the first request starts a refresh and is served meanwhile.
    package mutating func restore(
        _ snapshot: KeySnapshot,
        age: Duration,
        _ validators: KeySetValidators?,
        at now: Duration
    ) {
        guard held == nil, age >= .zero, age < policy.staleLife else { return }
        held = Held(
            snapshot: snapshot,
            origin: .keyFile,
            confirmedAt: now - age,
            refreshAt: now,
            freshUntil: now,
            usableUntil: now - age + policy.staleLife,
            validators: validators
        )
    }

    /// The keys at hand, and a fetch to start in the background when there are none or they are about to end.
    package mutating func current(at now: Duration) -> (availability: KeyAvailability, refresh: Ticket?) {
        let isDue = held.map { now >= min($0.refreshAt, $0.usableUntil) } ?? true
        let refresh = isDue && inFlight == nil && mayRetry(at: now) ? begin(at: now) : nil
        return (availability(at: now), refresh)
    }

    /// The keys at hand.
    package func availability(at now: Duration) -> KeyAvailability {
        guard let held, now < held.usableUntil else {
            return .unavailable(.init(cause: .unreachable, retryAfter: pause(at: now).wholeSeconds))
        }
        let age = max(.zero, now - held.confirmedAt)
        return now < held.freshUntil ? .fresh(held.snapshot, age: age) : .stale(held.snapshot, age: age)
    }

    /// What to do for a request that no key at hand can serve.
    package mutating func missing(_ keyID: String?, at now: Duration) -> MissingAction {
        guard let held, now < held.usableUntil else { return refresh(at: now) }
        guard let keyID, !held.snapshot.has(keyID: keyID) else { return .atHand }
        let id = ExactString(keyID)
        if let until = unknownKeys[id], now < until { return answer(at: now) }
        // One in flight may bring it: a flood of unknown names must not hide a real rotation behind a cooldown.
        if inFlight != nil {
            noteWait(for: id)
            return .join
        }
        guard mayRetry(at: now), lastSearch.map({ now >= $0 + policy.cooldown }) ?? true else { return answer(at: now) }
        lastSearch = now
        noteWait(for: id)
        return .fetch(begin(at: now, isSearch: true))
    }

    /// What to do for somebody who wants the keys confirmed, however good those at hand are.
    ///
    /// Pauses after failures hold for everyone but an operator, who sets `isForced`.
    package mutating func refresh(at now: Duration, isForced: Bool = false) -> MissingAction {
        if inFlight != nil { return .join }
        return isForced || mayRetry(at: now) ? .fetch(begin(at: now)) : .unavailable(retryAfter: pause(at: now))
    }

    /// Time until ``refresh(at:isForced:)`` is due by itself.
    package func pauseUntilRefresh(at now: Duration) -> Duration {
        let due = held.flatMap { now < $0.usableUntil ? $0.refreshAt : nil } ?? now
        return max(.zero, max(due, retryAt ?? due) - now)
    }

    /// Takes a key out of the set at hand at once.
    ///
    /// The next refresh asks for the whole set again, and brings the key back if the issuer still publishes it; the
    /// answer to a question that was asked before does not.
    package mutating func invalidate(keyID: String, generation: UInt64, at now: Duration) {
        guard var changed = held, !changed.snapshot.keys(named: keyID).isEmpty else { return }
        changed.snapshot = changed.snapshot.removing([ExactString(keyID)], generation: generation)
        changed.refreshAt = now
        changed.validators = nil
        held = changed.snapshot.keys.isEmpty ? nil : changed
        lastSearch = nil
        invalidated.names.insert(ExactString(keyID))
        invalidated.askedSince = nextSequence
    }

    /// Takes the outcome of a fetch.
    @discardableResult
    package mutating func finish(_ ticket: Ticket, with outcome: Outcome, at now: Duration) -> Ending {
        let isAwaited = inFlight == ticket.sequence
        if isAwaited { inFlight = nil }
        var ending = Ending(alarms: nil, endsWaiting: isAwaited)
        guard ticket.sequence > acceptedSequence else { return ending }
        switch outcome {
        case .failure where !isAwaited: break
        case .failure(let failure, let retryAfter): ending.alarms = fail(failure, retryAfter: retryAfter, at: now)
        case .keys(let snapshot, let life, let validators):
            ending.alarms = take(ticket, snapshot, life: life, validators, isAwaited: isAwaited, at: now)
        case .unchanged(let life):
            // What is at hand may be another set by now than the one that was asked about.
            guard let held, let asked = ticket.validators, held.validators == asked else { break }
            ending.alarms = accept(ticket, held.snapshot, life: life, asked, isAwaited: isAwaited, at: now)
        }
        return ending
    }

    /// The state for an operator.
    package func status(at now: Duration) -> KeySourceStatus {
        KeySourceStatus(
            availability(at: now),
            origin: held?.origin ?? .network,
            nextRefresh: pauseUntilRefresh(at: now),
            lastFailure: lastFailure,
            failingFor: failingFor(at: now)
        )
    }

    /// How long attempts have been failing, and how many in a row.
    package func failingFor(at now: Duration) -> Duration? { failingSince.map { now - $0 } }
    package var failuresInARow: Int { failures }
}

extension KeyRefreshMachine {
    private mutating func take(
        _ ticket: Ticket,
        _ snapshot: KeySnapshot,
        life: Duration,
        _ validators: KeySetValidators?,
        isAwaited: Bool,
        at now: Duration
    ) -> [KeyAlarm] {
        let old = held?.snapshot
        // Tokens of a key that was just withdrawn keep coming: the answer for them is known, too.
        for name in (old?.keys ?? []).compactMap(\.keyID) { noteWait(for: ExactString(name)) }
        let isBefore = ticket.sequence < invalidated.askedSince
        let taken = isBefore ? snapshot.removing(invalidated.names) : snapshot
        if !isBefore { invalidated.names = [] }
        let alarms = old.map { KeyAlarm.alarms(of: KeySetChanges(from: $0, to: taken)) } ?? []
        let accepted = accept(ticket, taken, life: life, validators, isAwaited: isAwaited, at: now)
        if isBefore {
            held?.refreshAt = now
            held?.validators = nil
            if taken.keys.isEmpty { held = nil }
        }
        return alarms + accepted
    }

    private mutating func accept(
        _ ticket: Ticket,
        _ snapshot: KeySnapshot,
        life: Duration,
        _ validators: KeySetValidators?,
        isAwaited: Bool,
        at now: Duration
    ) -> [KeyAlarm] {
        var alarms: [KeyAlarm] = []
        if failingSince != nil { alarms.append(KeyAlarm(.sourceRecovered)) }
        acceptedSequence = ticket.sequence
        failures = 0
        failingSince = nil
        lastFailure = nil
        retryAt = nil
        toldState = .fresh
        held = Held(
            snapshot: snapshot,
            origin: .network,
            confirmedAt: ticket.askedAt,
            refreshAt: now + policy.jittered(life * policy.refreshShare),
            freshUntil: now + life,
            usableUntil: ticket.askedAt + max(life, policy.staleLife),
            validators: validators
        )
        // Those who wait for a younger question are answered by its own answer.
        if isAwaited || inFlight == nil, remember(at: now) { alarms.append(KeyAlarm(.unknownKeysFull)) }
        return alarms
    }

    private mutating func fail(
        _ failure: KeyRefreshFailure,
        retryAfter: Duration?,
        at now: Duration
    ) -> [KeyAlarm] {
        let doubled = policy.backoff.lowerBound * (1 << min(failures, 10))
        let pause = min(max(policy.jittered(doubled), retryAfter ?? .zero), policy.backoff.upperBound)
        failures += 1
        retryAt = now + pause
        // The names may exist for all we know.
        awaited.removeAll()
        var alarms: [KeyAlarm] = []
        if failingSince == nil {
            failingSince = now
            alarms.append(KeyAlarm(.sourceFailing))
        }
        if failure == .noUsableKey, lastFailure != .noUsableKey { alarms.append(KeyAlarm(.nothingUsable)) }
        lastFailure = failure
        let state = KeySourceStatus(availability(at: now), origin: .network).state
        if state != toldState {
            toldState = state
            if state != .fresh { alarms.append(KeyAlarm(state == .stale ? .staleInUse : .unavailable)) }
        }
        return alarms
    }

    private mutating func begin(at now: Duration, isSearch: Bool = false) -> Ticket {
        let ticket = Ticket(sequence: nextSequence, askedAt: now, validators: held?.validators, isSearch: isSearch)
        nextSequence += 1
        inFlight = ticket.sequence
        return ticket
    }

    private mutating func noteWait(for keyID: ExactString) {
        if awaited.count < policy.unknownKeys { awaited.insert(keyID) }
    }

    /// Remembers the names that the set just taken lacks; true the first time that not all can be.
    private mutating func remember(at now: Duration) -> Bool {
        guard let held else { return false }
        unknownKeys = unknownKeys.filter { now < $0.value && held.snapshot.keys(named: $0.key.text).isEmpty }
        var isFull = false
        for id in awaited where held.snapshot.keys(named: id.text).isEmpty {
            guard unknownKeys.count < policy.unknownKeys else {
                isFull = true
                break
            }
            unknownKeys[id] = now + policy.unknownKeyLife
        }
        awaited.removeAll()
        defer { hasForgottenUnknown = isFull }
        return isFull && !hasForgottenUnknown
    }

    /// A 401 only if the last attempt succeeded within its life: otherwise the key may exist and we cannot know.
    package func answer(at now: Duration) -> MissingAction {
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
