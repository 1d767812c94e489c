// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// How long fetched keys live and how often their issuer is asked.
///
/// The defaults fit every provider we know.
public struct RefreshPolicy: Sendable {
    /// Shortest and longest life of a key set, whatever `Cache-Control` says.
    package var life: ClosedRange<Duration> = .seconds(60) ... .seconds(86_400)
    /// Life where the issuer states none.
    package var defaultLife: Duration = .seconds(900)
    /// Share of its life after which a set is refreshed ahead of need.
    package var refreshShare = 0.8
    /// Time between two fetches for unknown keys, counted from the last attempt whatever came of it.
    package var cooldown: Duration = .seconds(30)
    /// How long, and how many, unknown key identifiers are remembered.
    package var unknownKeyLife: Duration = .seconds(30)
    package var unknownKeys = 1024
    /// How long keys stay usable after the last success while the issuer cannot be reached.
    package var staleLife: Duration = .seconds(86_400)
    /// First and longest pause after failures.
    package var backoff: ClosedRange<Duration> = .seconds(1) ... .seconds(60)
    /// Pause before the one retry inside an attempt.
    package var retryPause: Duration = .milliseconds(250)
    /// Time for one whole exchange.
    package var deadline: Duration = .seconds(5)
    /// Requests that may wait for one refresh.
    package var waiters = 256
    package var keySetBytes = 512 * 1024
    package var metadataBytes = 256 * 1024
    /// A number from −1 to 1 that spreads the refreshes of a fleet.
    package var jitter: @Sendable () -> Double = { .random(in: -1...1) }

    /// The defaults.
    public static let standard = RefreshPolicy()

    /// The life of an answer by its `Cache-Control` and `Age` (RFC 9111 §4.2), clamped.
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
