// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// The keys of one issuer, fetched over HTTP and kept while the issuer is slow, rotating or down.
///
/// All decisions are a state machine's; this is the shell that locks, fetches and wakes.
public final class RemoteKeys: KeySource {
    /// Where the key set is.
    private enum Location: Sendable {
        case keySet(ServiceURL)
        case discovery(issuer: String, ServiceURL)
    }

    private struct State {
        var machine: KeyRefreshMachine
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<UInt64> = []
        var nextWaiter: UInt64 = 0
        var generation: UInt64 = 0
    }

    private let location: Location
    private let allowsLoopbackHTTP: Bool
    private let fetcher: any HTTPFetcher
    private let policy: RefreshPolicy
    private let clock: MonotonicClock
    private let onRefresh: (@Sendable (KeyRefreshEvent) -> Void)?
    private let issuerAlias: String
    private let state: Mutex<State>

    /// Keys of the issuer that publishes its metadata by OpenID Connect Discovery or RFC 8414.
    ///
    /// - Parameters:
    ///   - issuer: the issuer identifier, exactly as its tokens state it.
    ///   - fetcher: what performs the requests.
    ///   - allowsLoopbackHTTP: whether `http` to 127.0.0.1, ::1 and localhost is possible, for development.
    ///   - policy: life and pauses.
    ///   - clock: measures the age of keys.
    ///   - onRefresh: hears of refreshes, for example ``GuardObserver/keyRefreshes``; must not block.
    ///   - alias: the issuer's name in events.
    /// - Throws: ``ConfigurationError`` when the issuer is no URL that may be fetched.
    public convenience init(
        discovering issuer: String,
        fetcher: any HTTPFetcher,
        allowsLoopbackHTTP: Bool = false,
        policy: RefreshPolicy = .standard,
        clock: MonotonicClock = .system,
        onRefresh: (@Sendable (KeyRefreshEvent) -> Void)? = nil,
        alias: String? = nil
    ) throws(ConfigurationError) {
        let url = try Self.checked(issuer, "issuer", allowsLoopbackHTTP)
        self.init(
            .discovery(issuer: issuer, url),
            fetcher,
            allowsLoopbackHTTP,
            policy,
            clock,
            onRefresh,
            alias ?? url.host
        )
    }

    /// Keys at a fixed address.
    ///
    /// - Parameters:
    ///   - jwksURL: the address of the key set.
    ///   - fetcher: what performs the requests.
    ///   - allowsLoopbackHTTP: whether `http` to 127.0.0.1, ::1 and localhost is possible, for development.
    ///   - policy: life and pauses.
    ///   - clock: measures the age of keys.
    ///   - onRefresh: hears of refreshes, for example ``GuardObserver/keyRefreshes``; must not block.
    ///   - alias: the issuer's name in events.
    /// - Throws: ``ConfigurationError`` when the address is no URL that may be fetched.
    public convenience init(
        jwksURL: String,
        fetcher: any HTTPFetcher,
        allowsLoopbackHTTP: Bool = false,
        policy: RefreshPolicy = .standard,
        clock: MonotonicClock = .system,
        onRefresh: (@Sendable (KeyRefreshEvent) -> Void)? = nil,
        alias: String? = nil
    ) throws(ConfigurationError) {
        let url = try Self.checked(jwksURL, "jwks_uri", allowsLoopbackHTTP)
        self.init(.keySet(url), fetcher, allowsLoopbackHTTP, policy, clock, onRefresh, alias ?? url.host)
    }

    private init(
        _ location: Location,
        _ fetcher: any HTTPFetcher,
        _ allowsLoopbackHTTP: Bool,
        _ policy: RefreshPolicy,
        _ clock: MonotonicClock,
        _ onRefresh: (@Sendable (KeyRefreshEvent) -> Void)?,
        _ alias: String
    ) {
        self.location = location
        self.fetcher = fetcher
        self.allowsLoopbackHTTP = allowsLoopbackHTTP
        self.policy = policy
        self.clock = clock
        self.onRefresh = onRefresh
        self.issuerAlias = alias
        self.state = Mutex(State(machine: KeyRefreshMachine(policy: policy)))
    }

    private static func checked(_ text: String, _ name: String, _ loopback: Bool) throws(ConfigurationError)
        -> ServiceURL
    {
        do {
            return try ServiceURL(text, allowsLoopbackHTTP: loopback)
        } catch {
            throw ConfigurationError("\(name) is \(error.message)")
        }
    }

    /// The keys at hand; near the end of their life a refresh starts that nobody waits for.
    public func current() -> KeyAvailability {
        let now = clock.uptime()
        let (availability, ticket) = state.withLock { $0.machine.current(at: now) }
        if let ticket { start(ticket) }
        return availability
    }

    /// Waits for a refresh where one may bring the key, at most as long as one fetch with its retry takes.
    public func resolve(missing keyID: String?) async -> KeyResolution {
        let now = clock.uptime()
        let (action, waiter) = state.withLock { state -> (KeyRefreshMachine.MissingAction?, UInt64?) in
            // Room first: a fetch that nobody may wait for must not start.
            guard state.waiters.count < policy.waiters else { return (nil, nil) }
            let action = state.machine.missing(keyID, at: now)
            switch action {
            case .fetch, .join:
                state.nextWaiter += 1
                return (action, state.nextWaiter)
            case .unknown, .unavailable: return (action, nil)
            }
        }
        switch action {
        case nil: return .unavailable(.init(cause: .overloaded, retryAfter: 1))
        case .unknown: return .unknown
        case .unavailable(let pause): return .unavailable(.init(cause: .unreachable, retryAfter: pause.wholeSeconds))
        case .fetch(let ticket):
            guard let waiter else { return .unknown }
            await wait(waiter) { self.start(ticket) }
        case .join:
            guard let waiter else { return .unknown }
            await wait(waiter) {}
        }
        return .keys(state.withLock { $0.machine.current(at: clock.uptime()).availability })
    }

    /// Fetches now and waits, for those who want keys before they serve.
    ///
    /// - Throws: ``KeysUnavailable`` when there is still no usable key.
    public func warmUp() async throws(KeysUnavailable) {
        if case .unavailable = current() { _ = await resolve(missing: nil) }
        if case .unavailable(let failure) = current() { throw failure }
    }
}

extension RemoteKeys {
    /// Suspends until the fetch under way has ended, or the caller is cancelled, which ends only its own waiting.
    private func wait(_ waiter: UInt64, starting start: () -> Void) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The fetch may have ended since it was joined: then nobody would wake this one any more.
                let isOver = state.withLock { state in
                    if state.cancelled.remove(waiter) != nil || !state.machine.isFetching { return true }
                    state.waiters[waiter] = continuation
                    return false
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
        state.withLock { _ = $0.cancelled.remove(waiter) }
    }

    /// Starts the one fetch in flight.
    ///
    /// Its task belongs to no caller, so that none can cancel it for the others.
    private func start(_ ticket: KeyRefreshMachine.Ticket) {
        Task { await self.refresh(ticket) }
    }

    private func refresh(_ ticket: KeyRefreshMachine.Ticket) async {
        var result = await attempt(ticket)
        if case .failure = result.outcome, result.mayRetry {
            try? await clock.sleep(policy.retryPause)
            result = await attempt(ticket)
        }
        let now = clock.uptime()
        let (waiters, availability) = state.withLock { state in
            state.machine.finish(ticket, with: result.outcome, at: now)
            let waiters = Array(state.waiters.values)
            state.waiters.removeAll()
            return (waiters, state.machine.current(at: now).availability)
        }
        for waiter in waiters { waiter.resume() }
        if let onRefresh { onRefresh(event(result, availability)) }
    }

    /// Why an attempt failed, and when the issuer wants to be asked again.
    private struct Failure: Error {
        let cause: KeyRefreshFailure
        var retryAfter: Duration?

        static let content = Failure(cause: .content)

        /// An answer other than 200, with its `Retry-After` in seconds (RFC 9110 §10.2.3).
        static func status(_ response: FetchResponse) -> Failure {
            let seconds = response["retry-after"].flatMap { Int64($0) }
            return Failure(cause: .status, retryAfter: seconds.map { .seconds(min(max(0, $0), 86_400)) })
        }
    }

    private struct Attempt {
        let outcome: KeyRefreshMachine.Outcome
        let failure: KeyRefreshFailure?
        var mayRetry: Bool { failure == .connection || failure == .timeout || failure == .status }
    }

    private func attempt(_ ticket: KeyRefreshMachine.Ticket) async -> Attempt {
        do throws(Failure) {
            return Attempt(outcome: try await fetchKeys(ticket), failure: nil)
        } catch {
            return Attempt(outcome: .failure(retryAfter: error.retryAfter), failure: error.cause)
        }
    }

    private func fetchKeys(_ ticket: KeyRefreshMachine.Ticket) async throws(Failure)
        -> KeyRefreshMachine.Outcome
    {
        let url = try await keySetURL()
        let response = try await get(
            FetchRequest(
                url: url,
                maximumBytes: policy.keySetBytes,
                deadline: policy.deadline,
                entityTag: ticket.entityTag,
                lastModified: ticket.lastModified
            )
        )
        let life = policy.life(cacheControl: response["cache-control"], age: response["age"])
        if response.status == 304, ticket.entityTag != nil || ticket.lastModified != nil {
            return .unchanged(life: life)
        }
        guard response.status == 200 else { throw .status(response) }
        guard let set = try? JWKSet(response.body, origin: .fetched) else { throw .content }
        guard set.usableKeyCount > 0 else { throw Failure(cause: .noUsableKey) }
        let generation = state.withLock { state in
            state.generation += 1
            return state.generation
        }
        return .keys(
            KeySnapshot(set, generation: generation),
            life: life,
            entityTag: response["etag"],
            lastModified: response["last-modified"]
        )
    }

    private func keySetURL() async throws(Failure) -> String {
        switch location {
        case .keySet(let url): return url.text
        case .discovery(let issuer, let url):
            var failure = Failure(cause: .status)
            for location in IssuerMetadata.locations(of: url) {
                let request = FetchRequest(
                    url: location,
                    maximumBytes: policy.metadataBytes,
                    deadline: policy.deadline
                )
                let response = try await get(request)
                guard response.status == 200 else {
                    // Metadata that were refused say more than a second place that has none.
                    if failure.cause == .status { failure = .status(response) }
                    continue
                }
                if let metadata = try? IssuerMetadata(
                    response.body,
                    issuer: issuer,
                    allowsLoopbackHTTP: allowsLoopbackHTTP
                ) {
                    return metadata.jwksURL.text
                }
                failure = .content
            }
            throw failure
        }
    }

    private func get(_ request: FetchRequest) async throws(Failure) -> FetchResponse {
        do {
            return try await fetcher.fetch(request)
        } catch {
            throw Failure(cause: KeyRefreshFailure(error))
        }
    }

    private func event(_ attempt: Attempt, _ availability: KeyAvailability) -> KeyRefreshEvent {
        var keyIDs: [String] = []
        var faults = 0
        if case .keys(let snapshot, _, _, _) = attempt.outcome {
            keyIDs = snapshot.keys.map { $0.keyID ?? "" }
            faults = snapshot.faults.count
        }
        let isServingStale = if case .stale = availability { true } else { false }
        return KeyRefreshEvent(
            issuerAlias: issuerAlias,
            failure: attempt.failure,
            keyIDs: keyIDs.map(\.escapedForLogs),
            unusableKeys: faults,
            isServingStale: isServingStale
        )
    }
}
