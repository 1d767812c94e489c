// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// How long fetched keys live and how often their issuer is asked.
///
/// The defaults fit every provider we know; ``standard`` has them all.
public struct RefreshPolicy: Sendable {
    /// Shortest and longest life of a key set, whatever `Cache-Control` says.
    package let life: ClosedRange<Duration>
    /// Life where the issuer states none.
    package let defaultLife: Duration
    /// Share of its life after which a set is refreshed ahead of need.
    package let refreshShare = 0.8
    /// Time between fetches for unknown keys, whatever came of them.
    package let cooldown: Duration
    /// How long, and how many, unknown key identifiers are remembered.
    package let unknownKeyLife: Duration = .seconds(30)
    package let unknownKeys = 1024
    /// How long keys stay usable after the last success while the issuer cannot be reached.
    package let staleLife: Duration
    /// First and longest pause after failures.
    package let backoff: ClosedRange<Duration>
    /// Pause before the one retry inside an attempt.
    package let retryPause: Duration = .milliseconds(250)
    /// Time for a whole attempt: metadata, key set and the retry.
    package let deadline: Duration
    /// Requests that may wait for one refresh.
    package let waiters: Int
    package let keySetBytes = 512 * 1024
    package let metadataBytes = 256 * 1024
    /// A number from −1 to 1 that spreads the refreshes of a fleet.
    package let jitter: @Sendable () -> Double

    /// The defaults.
    public static let standard = RefreshPolicy(
        uncheckedLife: .seconds(60) ... .seconds(86_400),
        defaultLife: .seconds(900),
        cooldown: .seconds(30),
        staleLife: .seconds(86_400),
        backoff: .seconds(1) ... .seconds(60),
        deadline: .seconds(5),
        waiters: 256
    )

    /// A policy of your own.
    ///
    /// - Parameters:
    ///   - life: shortest and longest life of a key set, whatever `Cache-Control` says.
    ///   - defaultLife: life where the issuer states none.
    ///   - cooldown: time between fetches for unknown keys, whatever came of them; zero trusts every caller to cause
    ///     one, which is for tests and demonstrations.
    ///   - staleLife: how long keys stay usable after the last success while the issuer cannot be reached.
    ///   - backoff: first and longest pause after failures.
    ///   - deadline: time for a whole attempt, and the longest that a request waits for one.
    ///   - waiters: requests that may wait for one attempt.
    /// - Throws: ``ConfigurationError`` when a time is negative, nothing would ever be fetched or asked, or the shortest
    ///   life is zero.
    public init(
        life: ClosedRange<Duration> = .seconds(60) ... .seconds(86_400),
        defaultLife: Duration = .seconds(900),
        cooldown: Duration = .seconds(30),
        staleLife: Duration = .seconds(86_400),
        backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(60),
        deadline: Duration = .seconds(5),
        waiters: Int = 256
    ) throws(ConfigurationError) {
        guard life.lowerBound > .zero else { throw ConfigurationError("life must be longer than zero") }
        guard life.contains(defaultLife) else { throw ConfigurationError("defaultLife must be within life") }
        guard cooldown >= .zero else { throw ConfigurationError("cooldown must not be negative") }
        guard staleLife >= .zero else { throw ConfigurationError("staleLife must not be negative") }
        guard backoff.lowerBound > .zero else { throw ConfigurationError("backoff must be longer than zero") }
        guard deadline > .zero else { throw ConfigurationError("deadline must be longer than zero") }
        guard waiters > 0 else { throw ConfigurationError("waiters must be at least 1") }
        self.init(
            uncheckedLife: life,
            defaultLife: defaultLife,
            cooldown: cooldown,
            staleLife: staleLife,
            backoff: backoff,
            deadline: deadline,
            waiters: waiters
        )
    }

    private init(
        uncheckedLife life: ClosedRange<Duration>,
        defaultLife: Duration,
        cooldown: Duration,
        staleLife: Duration,
        backoff: ClosedRange<Duration>,
        deadline: Duration,
        waiters: Int,
        jitter: @escaping @Sendable () -> Double = { .random(in: -1...1) }
    ) {
        self.life = life
        self.defaultLife = defaultLife
        self.cooldown = cooldown
        self.staleLife = staleLife
        self.backoff = backoff
        self.deadline = deadline
        self.waiters = waiters
        self.jitter = jitter
    }

    /// The same policy with its chance taken out, for tests.
    package func jittered(by jitter: @escaping @Sendable () -> Double) -> RefreshPolicy {
        RefreshPolicy(
            uncheckedLife: life,
            defaultLife: defaultLife,
            cooldown: cooldown,
            staleLife: staleLife,
            backoff: backoff,
            deadline: deadline,
            waiters: waiters,
            jitter: jitter
        )
    }

    /// The life of an answer by its `Cache-Control` and `Age` (RFC 9111 §4.2), clamped.
    package func life(of response: FetchResponse) -> Duration {
        life(cacheControl: response["cache-control"], age: response["age"])
    }

    package func life(cacheControl: String?, age: String?) -> Duration {
        guard let cacheControl else { return defaultLife }
        var seconds: Int?
        for directive in cacheControl.lowercased().split(separator: ",") {
            let text = directive.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            let name = String(text)
            if name == "no-store" || name == "no-cache" { return life.lowerBound }
            if name.hasPrefix("max-age="), let value = Int(name.dropFirst(8)) { seconds = value }
        }
        guard let seconds else { return defaultLife }
        let remaining = max(0, seconds) - min(max(0, age.flatMap { Int($0) } ?? 0), max(0, seconds))
        return min(max(.seconds(min(remaining, 1_000_000)), life.lowerBound), life.upperBound)
    }

    /// `duration` moved by at most a tenth.
    package func jittered(_ duration: Duration) -> Duration { duration * (1 + 0.1 * min(1, max(-1, jitter()))) }
}
