// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad
import Foundation
import Synchronization

enum Cases {
    /// Whole validation of a token never seen, as a multiple of one raw verification.
    static func firstSight(_ algorithms: [SignatureAlgorithm], _ rounds: Int) async throws -> [Figure] {
        var figures: [Figure] = []
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
            figures.append(
                Figure(
                    name: "first-sight.\(algorithm.rawValue)",
                    ratio: measured.ratio("guard", to: "raw"),
                    meaning: "× one raw verification"
                )
            )
            if algorithm == .rs256 {
                figures.append(
                    Figure(
                        name: "bare.RS256",
                        ratio: measured.ratio("bare", to: "raw"),
                        meaning: "× one raw verification: the signature alone, in C, by as few multiplications as here"
                    )
                )
            }
        }
        return figures
    }

    /// A token seen before, as a fraction of one raw verification.
    static func hit(_ algorithms: [SignatureAlgorithm], _ rounds: Int) async throws -> [Figure] {
        var figures: [Figure] = []
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
            figures.append(
                Figure(
                    name: "hit.\(algorithm.rawValue)",
                    ratio: ratio,
                    meaning: "× one raw verification, \(Int(1 / ratio.median)) times faster"
                )
            )
        }
        return figures
    }

    /// What two and four threads get done at once, as a multiple of one.
    static func threads(_ rounds: Int) async throws -> [Figure] {
        var figures: [Figure] = []
        // Fewer rounds, each of them longer: the system moves a thread to a core of its own only after a while.
        let rounds = max(5, rounds / 6)
        for (name, cache, repetitions) in [
            ("first-sight", TokenCacheLimits.off, 6000), ("hit", .standard, 400_000),
        ] {
            let load = try Workload(.rs256)
            let guarding = try load.makeGuard(cache: cache)
            let tokens = (0..<4).map { Workload.token(load.issuer, number: $0) }
            // Threads of its own: how many of them tasks get at once, their pool decides by what it takes for load.
            func run(_ threads: Int) async throws {
                let countdown = Countdown(threads)
                await withCheckedContinuation { ended in
                    for number in 0..<threads {
                        let credentials = RequestCredentials(authorization: "Bearer \(tokens[number])")
                        let requirement = load.requirement
                        Thread.detachNewThread {
                            var good = 0
                            for _ in 0..<repetitions
                            where guarding.authorizeAtOnce(credentials, requiring: requirement).accessToken != nil {
                                good += 1
                            }
                            if countdown.end(isGood: good == repetitions) { ended.resume() }
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
                let slower = measured.ratio("\(threads)", to: "1").inverted
                let count = Double(threads)
                figures.append(
                    Figure(
                        name: "threads\(threads).\(name)",
                        ratio: Ratio(sorted: [slower.minimum * count, slower.median * count, slower.maximum * count]),
                        meaning: "× the work of one thread"
                    )
                )
            }
        }
        return figures
    }

    /// Allocations a token, beyond what verifying its signature makes.
    static func allocations() async throws -> [Figure] {
        let load = try Workload(.rs256)
        let credentials = RequestCredentials(authorization: "Bearer \(load.token)")
        var figures: [Figure] = []
        for (name, cache) in [("first-sight", TokenCacheLimits.off), ("hit", .standard)] {
            let guarding = try load.makeGuard(cache: cache)
            let whole = try await Allocations {
                await guarding.authorize(credentials, requiring: load.requirement).accessToken != nil
            }
            let own = cache == .off ? try await Allocations { load.raw.verifyBare() }.count : 0
            figures.append(
                Figure(
                    name: "allocations.\(name)",
                    ratio: Ratio(Double(whole.count - own)),
                    meaning: "allocations a token (\(whole.count) in all, \(own) of them for the signature alone)"
                )
            )
        }
        return figures
    }

    /// vapor/jwt-kit doing the same on the same tokens.
    static func jwtKit(_ algorithms: [SignatureAlgorithm], _ rounds: Int) async throws -> [Figure] {
        var figures: [Figure] = []
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
            figures.append(
                Figure(
                    name: "jwt-kit.\(algorithm.rawValue)",
                    ratio: measured.ratio("jwt-kit", to: "raw"),
                    meaning: "× one raw verification"
                )
            )
        }
        return figures
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
