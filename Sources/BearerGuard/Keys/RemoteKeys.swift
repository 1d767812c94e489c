// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The keys of one issuer, fetched over HTTP and kept while the issuer is slow, rotating or down.
///
/// Keys are fetched when the first request needs them, refreshed ahead of their end, and kept past it while the issuer
/// cannot be reached. All decisions are a state machine's; a request whose key is known never waits.
///
/// A source that is dropped ends what it has begun.
public final class RemoteKeys: KeySource {
    private let refresher: KeyRefresher
    private let clock: MonotonicClock

    /// Keys of the issuer that publishes its metadata by OpenID Connect Discovery or RFC 8414.
    ///
    /// - Parameters:
    ///   - issuer: the issuer identifier, exactly as its tokens state it.
    ///   - metadataURL: where its metadata are, if not where the standards say.
    ///   - fetcher: what performs the requests.
    ///   - allowsLoopbackHTTP: whether `http` to 127.0.0.1, ::1 and localhost is possible, for development.
    ///   - policy: life and pauses.
    ///   - keyFile: a file to keep the last good set in, so that a restart while the issuer is down keeps serving; its
    ///     folder must be writable for this program and for nobody else.
    ///   - clock: measures the age of keys.
    ///   - wallClock: measures the age of the key file.
    ///   - onRefresh: hears of refreshes, for example ``GuardObserver/keyRefreshes``; must not block.
    ///   - alias: the issuer's name in events; the issuer itself unless given.
    /// - Throws: ``ConfigurationError`` when the issuer is no URL that may be fetched.
    @inline(never)  // Or its code would be in the program twice.
    public init(
        discovering issuer: String,
        metadataURL: String? = nil,
        fetcher: any HTTPFetcher,
        allowsLoopbackHTTP: Bool = false,
        policy: RefreshPolicy = .standard,
        keyFile: String? = nil,
        clock: MonotonicClock = .system,
        wallClock: WallClock = .system,
        onRefresh: (@Sendable (KeyRefreshEvent) -> Void)? = nil,
        alias: String? = nil
    ) throws(ConfigurationError) {
        let addresses: [String]
        if let metadataURL {
            addresses = [try Self.checked(metadataURL, "metadataURL", allowsLoopbackHTTP).text]
        } else {
            // Entra's issuer for many tenants is a template; its metadata are those of "common".
            let place = issuer.parts(around: "{tenantid}").joined(separator: "common")
            let url = try Self.checked(place, "issuer", allowsLoopbackHTTP)
            guard !url.hasQuery else { throw ConfigurationError("issuer is a URL with a query (RFC 8414 §2)") }
            addresses = IssuerMetadata.locations(of: url)
        }
        self.clock = clock
        refresher = KeyRefresher(
            KeySetExchange(
                .metadata(issuer: issuer, at: addresses),
                allowsLoopbackHTTP: allowsLoopbackHTTP,
                fetcher: fetcher,
                policy: policy,
                clock: clock
            ),
            policy: policy,
            clock: clock,
            keyFile: keyFile.map { SavedKeySet(path: $0, source: issuer, clock: wallClock) },
            issuerAlias: (alias ?? issuer).escapedForLogs,
            onRefresh: onRefresh
        )
    }

    /// Keys at a fixed address.
    ///
    /// - Parameters:
    ///   - jwksURL: the address of the key set.
    ///   - fetcher: what performs the requests.
    ///   - allowsLoopbackHTTP: whether `http` to 127.0.0.1, ::1 and localhost is possible, for development.
    ///   - policy: life and pauses.
    ///   - keyFile: a file to keep the last good set in, so that a restart while the issuer is down keeps serving; its
    ///     folder must be writable for this program and for nobody else.
    ///   - clock: measures the age of keys.
    ///   - wallClock: measures the age of the key file.
    ///   - onRefresh: hears of refreshes, for example ``GuardObserver/keyRefreshes``; must not block.
    ///   - alias: the issuer's name in events; the host of the address unless given.
    /// - Throws: ``ConfigurationError`` when the address is no URL that may be fetched.
    @inline(never)  // Or its code would be in the program twice.
    public init(
        jwksURL: String,
        fetcher: any HTTPFetcher,
        allowsLoopbackHTTP: Bool = false,
        policy: RefreshPolicy = .standard,
        keyFile: String? = nil,
        clock: MonotonicClock = .system,
        wallClock: WallClock = .system,
        onRefresh: (@Sendable (KeyRefreshEvent) -> Void)? = nil,
        alias: String? = nil
    ) throws(ConfigurationError) {
        let url = try Self.checked(jwksURL, "jwks_uri", allowsLoopbackHTTP)
        self.clock = clock
        refresher = KeyRefresher(
            KeySetExchange(
                .keySet(url),
                allowsLoopbackHTTP: allowsLoopbackHTTP,
                fetcher: fetcher,
                policy: policy,
                clock: clock
            ),
            policy: policy,
            clock: clock,
            keyFile: keyFile.map { SavedKeySet(path: $0, source: url.text, clock: wallClock) },
            issuerAlias: (alias ?? url.host).escapedForLogs,
            onRefresh: onRefresh
        )
    }

    deinit { refresher.stop() }

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
    public func current() -> KeyAvailability { refresher.current() }

    /// Waits for a refresh where one may bring the key, at most as long as one attempt may take.
    public func resolve(missing keyID: String?) async -> KeyResolution {
        switch await refresher.act({ $0.missing(keyID, at: $1) }) {
        case .unknown: .unknown
        case .unavailable(let failure): .unavailable(failure)
        case .attempted: refresher.resolution(of: keyID)
        }
    }

    /// Waits for a refresh where the keys were confirmed longer ago than `age`.
    ///
    /// Their age is counted up to the call: an issuer that was asked after it has confirmed them this very moment.
    public func refreshed(within age: Duration) async -> KeyAvailability {
        let start = clock.uptime()
        // The one under way may have asked too long ago.
        for _ in 0..<2 {
            if let known = refresher.availability(at: start).age, known <= age { break }
            guard case .attempted = await refresher.act({ $0.refresh(at: $1) }) else { break }
        }
        return refresher.availability(at: start)
    }

    /// The state of the keys, for health pages, metrics and people.
    public func status() -> KeySourceStatus { refresher.status() }

    /// Fetches now and waits, whatever pauses there are: for an operator who knows more.
    ///
    /// - Throws: ``KeysUnavailable`` when there is still no usable key.
    public func refreshNow() async throws(KeysUnavailable) {
        _ = await refresher.act { $0.refresh(at: $1, isForced: true) }
        if case .unavailable(let failure) = refresher.availability() { throw failure }
    }

    /// Takes a key out of the set at hand at once, until the issuer is asked again, which the next request does.
    ///
    /// An issuer that still publishes the key brings it back: to refuse its tokens whatever the issuer says, use a
    /// ``ClaimCheck``, or take the issuer out of the configuration.
    public func invalidate(keyID: String) { refresher.invalidate(keyID: keyID) }

    /// Fetches and waits until there are keys, for those who want them before they serve.
    ///
    /// - Parameter deadline: how long to try; without one, one attempt.
    /// - Throws: ``KeysUnavailable`` when there is still no usable key, or the caller was cancelled.
    public func warmUp(deadline: Duration = .zero) async throws(KeysUnavailable) {
        let end = clock.uptime() + deadline
        while true {
            guard case .unavailable(let failure) = refresher.availability() else { return }
            if case .unavailable = await refresher.act({ $0.refresh(at: $1) }) {
                let pause = max(.milliseconds(10), refresher.pauseUntilRefresh)
                guard clock.uptime() + pause < end, (try? await clock.sleep(pause)) != nil, !Task.isCancelled else {
                    throw failure
                }
            } else if case .unavailable(let failure) = refresher.availability(),
                clock.uptime() >= end || Task.isCancelled
            {
                throw failure
            }
        }
    }

    /// Waits until attempts under way have ended, what they save included.
    package func settled() async { await refresher.settled() }

    /// Keeps the keys fresh until the task is cancelled, whether requests come or not.
    ///
    /// Without it keys are refreshed as requests come, which is enough for a busy server.
    public func run() async {
        while !Task.isCancelled {
            let pause = refresher.pauseUntilRefresh
            if pause > .zero {
                guard (try? await clock.sleep(pause)) != nil else { return }
            } else if case .unavailable = await refresher.act({ $0.refresh(at: $1) }) {
                // Only for the crowd of waiters: a pause of its own, so that this never spins.
                guard (try? await clock.sleep(.seconds(1))) != nil else { return }
            }
        }
    }
}
