// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Several pieces of work that take turns, so that a busy machine is busy for all of them.
struct Rounds {
    /// One piece: so many repetitions in each round, timed together.
    struct Piece {
        let name: String
        let repetitions: Int
        let work: () async throws -> Void

        init(_ name: String, repetitions: Int, _ work: @escaping () async throws -> Void) {
            self.name = name
            self.repetitions = repetitions
            self.work = work
        }
    }

    /// Seconds that one repetition of each piece took, in every round.
    private(set) var seconds: [String: [Double]] = [:]

    init(_ count: Int, _ pieces: [Piece]) async throws {
        for round in -2..<count {
            for piece in pieces {
                let start = ContinuousClock.now
                for _ in 0..<piece.repetitions { try await piece.work() }
                let elapsed = (ContinuousClock.now - start) / .seconds(1)
                // The first two warm caches up.
                if round >= 0 { seconds[piece.name, default: []].append(elapsed / Double(piece.repetitions)) }
            }
        }
    }

    /// How long `piece` takes as a multiple of `base`, round by round; or several of it, each as long.
    func ratio(_ piece: String, times factor: Double = 1, to base: String) -> Ratio {
        let ratios = zip(seconds[piece] ?? [], seconds[base] ?? []).map { factor * $0 / $1 }.sorted()
        return Ratio(sorted: ratios)
    }
}

struct Ratio {
    let median: Double
    let minimum: Double
    let maximum: Double
    /// How many values there were.
    let rounds: Int

    init(sorted values: [Double]) {
        // Of an even number the middle two count.
        median = values.isEmpty ? .nan : (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
        minimum = values.first ?? .nan
        maximum = values.last ?? .nan
        rounds = values.count
    }

    init(_ value: Double) { self.init(sorted: [value]) }
}
