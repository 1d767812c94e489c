// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad
import Foundation
import Synchronization

enum Cases {
    /// Whole validation of a token never seen, as a multiple of one raw verification.
    static func firstSight(_ algorithms: [SignatureAlgorithm], _ rounds: Int, _ report: Report) async throws {
        for algorithm in algorithms {
            let load = try Workload(algorithm)
            let guarding = try load.makeGuard(cache: .off)
            let credentials = RequestCredentials(authorization: "Bearer \(load.token)")
            let measured = try await Rounds(
                rounds,
                [
                    .init("raw", repetitions: 50) { try check(load.raw.verify()) },
                    .init("guard", repetitions: 50) {
                        try check(await guarding.authorize(credentials, requiring: load.requirement).accessToken != nil)
                    },
                    .init("bare", repetitions: 50) {
                        if algorithm == .rs256 { try check(load.raw.verifyBare()) }
                    },
                ]
            )
            try report.add(
                Figure(
                    name: "first-sight.\(algorithm.rawValue)",
                    ratio: measured.ratio("guard", to: "raw"),
                    meaning: "× one raw verification"
                )
            )
            if algorithm == .rs256 {
                try report.add(
                    Figure(
                        name: "bare.RS256",
                        ratio: measured.ratio("bare", to: "raw"),
                        meaning: "× one raw verification: the signature alone, in C, by as few multiplications as here"
                    )
                )
            }
        }
    }

    /// A token seen before, as a fraction of one raw verification.
    static func hit(_ algorithms: [SignatureAlgorithm], _ rounds: Int, _ report: Report) async throws {
        for algorithm in algorithms {
            let load = try Workload(algorithm)
            let guarding = try load.makeGuard(cache: .standard)
            let credentials = RequestCredentials(authorization: "Bearer \(load.token)")
            let measured = try await Rounds(
                rounds,
                [
                    .init("raw", repetitions: 50) { try check(load.raw.verify()) },
                    .init("guard", repetitions: 2000) {
                        try check(await guarding.authorize(credentials, requiring: load.requirement).accessToken != nil)
                    },
                ]
            )
            let ratio = measured.ratio("guard", to: "raw")
            try report.add(
                Figure(
                    name: "hit.\(algorithm.rawValue)",
                    ratio: ratio,
                    meaning: "× one raw verification, \(Int(1 / ratio.median)) times faster"
                )
            )
        }
    }

    /// What two and four threads get done at once, as a multiple of one; of raw verifications as well, with nothing shared.
    static func threads(_ rounds: Int, _ report: Report) async throws {
        // Long rounds: the system moves a thread to a core of its own only after a while.
        let load = try Workload(.rs256)
        let raw = try (0..<4).map { _ in try RawVerification(load.token, key: load.key, algorithm: .rs256) }
        try await threads("raw", rounds, report) { number in
            (0..<6000).allSatisfy { _ in raw[number].verify() }
        }
        for (name, cache, repetitions) in [
            ("first-sight", TokenCacheLimits.off, 6000), ("hit", .standard, 400_000),
        ] {
            let guarding = try load.makeGuard(cache: cache)
            let requirement = load.requirement
            let credentials = (0..<4).map { number in
                RequestCredentials(authorization: "Bearer \(Workload.token(load.issuer, number: number))")
            }
            try await threads(name, rounds, report) { number in
                let credentials = credentials[number]
                return (0..<repetitions).allSatisfy { _ in
                    guarding.authorizeAtOnce(credentials, requiring: requirement).accessToken != nil
                }
            }
        }
    }

    /// The same work by one, two and four threads, each of which tells its work by its number.
    private static func threads(
        _ name: String,
        _ rounds: Int,
        _ report: Report,
        _ work: @escaping @Sendable (Int) -> Bool
    ) async throws {
        // Threads of its own: how many of them tasks get at once, their pool decides by what it takes for load.
        func run(_ threads: Int) async throws {
            let countdown = Countdown(threads)
            await withCheckedContinuation { ended in
                for number in 0..<threads {
                    Thread.detachNewThread {
                        if countdown.end(isGood: work(number)) { ended.resume() }
                    }
                }
            }
            try check(countdown.isGood)
        }
        let measured = try await Rounds(
            rounds,
            [1, 2, 4].map { threads in .init("\(threads)", repetitions: 1) { try await run(threads) } }
        )
        for threads in [2, 4] {
            try report.add(
                Figure(
                    name: "threads\(threads).\(name)",
                    ratio: measured.ratio("1", times: Double(threads), to: "\(threads)"),
                    meaning: "× the work of one thread"
                )
            )
        }
    }

    /// Allocations a token, beyond what verifying its signature makes.
    static func allocations(_ report: Report) async throws {
        let load = try Workload(.rs256)
        let credentials = RequestCredentials(authorization: "Bearer \(load.token)")
        for (name, cache) in [("first-sight", TokenCacheLimits.off), ("hit", .standard)] {
            let guarding = try load.makeGuard(cache: cache)
            let whole = try await Allocations {
                await guarding.authorize(credentials, requiring: load.requirement).accessToken != nil
            }
            let own = cache == .off ? try await Allocations { load.raw.verifyBare() }.count : 0
            try report.add(
                Figure(
                    name: "allocations.\(name)",
                    ratio: Ratio(Double(whole.count - own)),
                    meaning: "allocations a token (\(whole.count) in all, \(own) of them for the signature alone)"
                )
            )
        }
    }

    /// vapor/jwt-kit doing the same on the same tokens.
    static func jwtKit(_ algorithms: [SignatureAlgorithm], _ rounds: Int, _ report: Report) async throws {
        for algorithm in algorithms {
            let load = try Workload(algorithm)
            let verifier = try await JWTKitVerifier(load)
            let measured = try await Rounds(
                rounds,
                [
                    .init("raw", repetitions: 50) { try check(load.raw.verify()) },
                    .init("jwt-kit", repetitions: 50) { try await verifier.verify() },
                ]
            )
            try report.add(
                Figure(
                    name: "jwt-kit.\(algorithm.rawValue)",
                    ratio: measured.ratio("jwt-kit", to: "raw"),
                    meaning: "× one raw verification"
                )
            )
        }
    }
}

/// Tells the last of several threads that it is the last.
private final class Countdown: Sendable {
    private let left: Mutex<(threads: Int, isGood: Bool)>

    init(_ threads: Int) { left = Mutex((threads, true)) }

    var isGood: Bool { left.withLock { $0.isGood } }

    func end(isGood: Bool) -> Bool {
        left.withLock { left in
            left.threads -= 1
            left.isGood = left.isGood && isGood
            return left.threads == 0
        }
    }
}
