// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// The shell around ``KeyRefreshMachine``: it locks, fetches, saves and wakes.
///
/// Its tasks hold it and not its owner, so that an owner who is dropped can end them.
final class KeyRefresher: Sendable {
    private struct State: ~Copyable {
        var machine: KeyRefreshMachine
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        /// Requests that wait, or were told to and are about to.
        var waiting = 0
        var cancelled: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
        var generation: UInt64 = 0
        var tasks: [UInt64: Task<Void, Never>] = [:]
        var isStopped = false
    }

    private let exchange: KeySetExchange
    private let policy: RefreshPolicy
    private let clock: MonotonicClock
    private let keyFile: SavedKeySet?
    let issuerAlias: String
    private let onRefresh: (@Sendable (KeyRefreshEvent) -> Void)?
    private let state: Mutex<State>

    init(
        _ exchange: KeySetExchange,
        policy: RefreshPolicy,
        clock: MonotonicClock,
        keyFile: SavedKeySet?,
        issuerAlias: String,
        onRefresh: (@Sendable (KeyRefreshEvent) -> Void)?
    ) {
        self.exchange = exchange
        self.policy = policy
        self.clock = clock
        self.keyFile = keyFile
        self.issuerAlias = issuerAlias
        self.onRefresh = onRefresh
        self.state = Mutex(State(machine: KeyRefreshMachine(policy: policy)))
        restore()
    }

    func current() -> KeyAvailability {
        let now = clock.uptime()
        let (availability, ticket) = state.withLock { $0.machine.current(at: now) }
        if let ticket { start(ticket) }
        return availability
    }

    // What suspends is many functions to the compiler: it would put a copy of all that is called here into each of them.

    /// The keys at hand, as old as they were at `time`.
    @inline(never)
    func availability(at time: Duration? = nil) -> KeyAvailability {
        state.withLock { $0.machine.availability(at: time ?? clock.uptime()) }
    }

    /// What an attempt that has ended says of a key.
    func resolution(of keyID: String?) -> KeyResolution {
        let now = clock.uptime()
        return state.withLock { state in
            let availability = state.machine.availability(at: now)
            guard let keyID, let snapshot = availability.snapshot, !snapshot.has(keyID: keyID) else {
                return .keys(availability)
            }
            // The attempt may have failed: then the set at hand cannot say that there is no such key.
            switch state.machine.answer(at: now) {
            case .unavailable(let pause):
                return .unavailable(.init(cause: .unreachable, retryAfter: pause.wholeSeconds))
            case .atHand, .fetch, .join, .unknown: return .unknown
            }
        }
    }

    func status() -> KeySourceStatus { state.withLock { $0.machine.status(at: clock.uptime()) } }

    @inline(never)
    var pauseUntilRefresh: Duration { state.withLock { $0.machine.pauseUntilRefresh(at: clock.uptime()) } }

    func invalidate(keyID: String) {
        let now = clock.uptime()
        state.withLock { state in
            state.generation += 1
            state.machine.invalidate(keyID: keyID, generation: state.generation, at: now)
        }
    }

    /// What ``act(_:)`` came to.
    enum Result {
        /// An attempt has ended, or need not be made; look at the keys.
        case attempted
        case unknown
        case unavailable(KeysUnavailable)
    }

    /// Does what the machine decides, and waits for the attempt if there is one.
    @inline(never)
    func act(_ decide: (inout KeyRefreshMachine, Duration) -> KeyRefreshMachine.MissingAction) async -> Result {
        let (action, waiter) = decided(decide)
        switch action {
        case nil: return .unavailable(.init(cause: .overloaded, retryAfter: 1))
        case .unknown: return .unknown
        case .unavailable(let pause): return .unavailable(.init(cause: .unreachable, retryAfter: pause.wholeSeconds))
        case .atHand: return .attempted
        case .fetch(let ticket): await wait(waiter) { self.start(ticket) }
        case .join: await wait(waiter) {}
        }
        return .attempted
    }

    /// What the machine decides, and a number to wait by; nil where there is no room to wait.
    @inline(never)
    private func decided(
        _ decide: (inout KeyRefreshMachine, Duration) -> KeyRefreshMachine.MissingAction
    ) -> (KeyRefreshMachine.MissingAction?, waiter: UInt64) {
        let now = clock.uptime()
        return state.withLock { state in
            // Room first: a fetch that nobody may wait for must not start.
            guard state.waiting < policy.waiters, !state.isStopped else { return (nil, 0) }
            state.nextWaiter += 1
            let action = decide(&state.machine, now)
            switch action {
            case .fetch, .join: state.waiting += 1
            case .atHand, .unknown, .unavailable: break
            }
            return (action, state.nextWaiter)
        }
    }

    /// Waits until attempts under way have ended, what they save included.
    func settled() async {
        for task in state.withLock({ Array($0.tasks.values) }) { await task.value }
    }

    /// Ends everything that runs: nobody is left who could ask.
    func stop() {
        let (tasks, waiters) = state.withLock { state in
            state.isStopped = true
            defer {
                state.tasks = [:]
                state.waiters = [:]
            }
            return (Array(state.tasks.values), Array(state.waiters.values))
        }
        for task in tasks { task.cancel() }
        for waiter in waiters { waiter.resume() }
    }

    /// Suspends until the attempt under way has ended, or the caller is cancelled, which ends only its own waiting.
    private func wait(_ waiter: UInt64, starting start: () -> Void) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The attempt may have ended since it was joined: then nobody would wake this one any more.
                let isOver = state.withLock { state in
                    let isOver = state.cancelled.remove(waiter) != nil || !state.machine.isFetching || state.isStopped
                    if !isOver { state.waiters[waiter] = continuation }
                    return isOver
                }
                if isOver { continuation.resume() }
                start()
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
                if let continuation = state.waiters.removeValue(forKey: waiter) { return continuation }
                state.cancelled.insert(waiter)
                return nil
            }
            continuation?.resume()
        }
        state.withLock { state in
            state.cancelled.remove(waiter)
            state.waiting -= 1
        }
    }
}

extension KeyRefresher {
    /// Starts the one attempt in flight.
    ///
    /// Its task belongs to no caller, so that none can cancel it for the others. A second one gives it up in time: a
    /// fetcher that never answers must not hold requests, nor keep the next attempt from starting.
    private func start(_ ticket: KeyRefreshMachine.Ticket) {
        let watch = Task {
            guard (try? await self.clock.sleep(self.policy.deadline)) != nil, !Task.isCancelled else { return }
            let (isWaiting, attempt) = self.state.withLock { state in
                (state.machine.isWaiting(for: ticket), state.tasks.removeValue(forKey: ticket.sequence))
            }
            guard isWaiting else { return }
            self.finish(ticket, .failure(.init(cause: .timeout)))
            // Afterwards: it may end at once, and would say that it was cancelled.
            attempt?.cancel()
        }
        // Kept before it can end: who waits for it to settle must find it.
        let (attempt, isOver) = state.withLock { state in
            let attempt = Task {
                let result: Swift.Result<KeySetExchange.Answer, KeySetExchange.Failure>
                do throws(KeySetExchange.Failure) {
                    result = .success(try await self.exchange.perform(ticket))
                } catch {
                    result = .failure(error)
                }
                watch.cancel()
                self.finish(ticket, result)
                self.state.withLock { _ = $0.tasks.removeValue(forKey: ticket.sequence) }
            }
            state.tasks[ticket.sequence] = attempt
            // Given up before it began.
            return (attempt, state.isStopped || !state.machine.isWaiting(for: ticket))
        }
        if isOver { attempt.cancel() }
    }

    private func finish(
        _ ticket: KeyRefreshMachine.Ticket,
        _ result: Swift.Result<KeySetExchange.Answer, KeySetExchange.Failure>
    ) {
        let now = clock.uptime()
        let (told, waiters) = state.withLock { state -> (KeyRefreshEvent?, [CheckedContinuation<Void, Never>]) in
            let outcome = Self.outcome(of: result, &state.generation)
            let ending = state.machine.finish(ticket, with: outcome, at: now)
            let waiters = ending.endsWaiting ? Array(state.waiters.values) : []
            if ending.endsWaiting { state.waiters.removeAll() }
            return (ending.alarms.map { event(result, outcome, $0, state.machine, at: now) }, waiters)
        }
        // Told before anybody acts on it; saved after, as a disk may be slow.
        if let told { onRefresh?(told) }
        for waiter in waiters { waiter.resume() }
        if told != nil { save(result, ticket) }
    }

    /// Saves a set that was taken, or that it was confirmed.
    private func save(
        _ result: Swift.Result<KeySetExchange.Answer, KeySetExchange.Failure>,
        _ ticket: KeyRefreshMachine.Ticket
    ) {
        guard let keyFile, case .success(let answer) = result else { return }
        do throws(ConfigurationError) {
            switch answer {
            case .set(_, let text, _, let validators):
                try keyFile.save(text, validators, sequence: ticket.sequence)
            case .unchanged: try keyFile.confirm(sequence: ticket.sequence)
            }
        } catch {
            onRefresh?(KeyRefreshEvent(issuerAlias: issuerAlias, alarms: [KeyAlarm(.keyFileFailing)]))
        }
    }

    /// Begins with the last good set of an earlier run, where there is one.
    private func restore() {
        guard let keyFile else { return }
        do throws(ConfigurationError) {
            guard let saved = try keyFile.load() else { return }
            let now = clock.uptime()
            state.withLock { state in
                state.generation += 1
                state.machine.restore(
                    KeySnapshot(saved.set, generation: state.generation),
                    age: saved.age,
                    saved.validators,
                    at: now
                )
            }
        } catch {
            onRefresh?(KeyRefreshEvent(issuerAlias: issuerAlias, alarms: [KeyAlarm(.keyFileFailing)]))
        }
    }
}
