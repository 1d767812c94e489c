// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad

/// How cost grows with what there is: keys, issuers, remembered tokens, claims, bytes.
enum Scaling {
    static func all(_ rounds: Int, remembered few: Int, _ report: Report) async throws {
        try await keys(rounds, report)
        try await issuers(rounds, report)
        try await remembered(few, report)
        try await claims(rounds, report)
        try await bytes(rounds, report)
    }

    private static func keys(_ rounds: Int, _ report: Report) async throws {
        let load = try Workload(.rs256)
        // A set holds 256 keys at most.
        try await figures("keys", [1, 4, 16, 64, 256], load, rounds, report) { count in
            let others = try (1..<count).map { try SigningKey(.es256, keyID: "other-\($0)").jwk }
            let keySet: JSONValue = ["keys": .array([load.key.jwk] + others)]
            let guarding = try load.makeGuard(cache: .off, keySet: keySet.text)
            return (guarding, load.token)
        }
    }

    private static func issuers(_ rounds: Int, _ report: Report) async throws {
        let load = try Workload(.rs256)
        let keys = try StaticKeys(JWKSet(load.issuer.keySet.utf8))
        try await figures("issuers", [1, 10, 100, 1000], load, rounds, report) { count in
            let issuers = try (0..<count).map { number in
                let policy = try ValidationPolicy(
                    issuer: number == 0 ? load.issuer.issuer : "https://issuer-\(number).example",
                    audience: [load.issuer.audience],
                    algorithms: [.rs256]
                )
                return try TrustedIssuer(policy: policy, keys: keys)
            }
            return (try RequestGuard(issuers: issuers, tokenCache: .off), load.token)
        }
    }

    private static func claims(_ rounds: Int, _ report: Report) async throws {
        let load = try Workload(.rs256)
        try await figures("claims", [10, 32, 64, 128, 256], load, rounds, report) { count in
            var changes: [String: JSONValue?] = [:]
            for number in 0..<max(0, count - 8) { changes["claim_\(number)"] = .integer(Int64(number)) }
            return (try load.makeGuard(cache: .off), Self.token(load, changes))
        }
    }

    private static func bytes(_ rounds: Int, _ report: Report) async throws {
        let load = try Workload(.rs256)
        try await figures("bytes", [512, 1024, 4096, 8192, 16_000], load, rounds, report) { count in
            let missing = count - Self.token(load, [:]).utf8.count
            return (try load.makeGuard(cache: .off), Self.token(load, Workload.padding(missing)))
        }
    }

    private static func token(_ load: Workload, _ changes: [String: JSONValue?]) -> String {
        // As the issuer that the guard is set for has them.
        let own: [String: JSONValue?] = [
            "cid": "0oa1b2c3d4E5f6G7h8i9", "client_id": nil, "scope": nil, "scp": ["orders:read"],
        ]
        return load.issuer.token(lifetime: 86_400, changes: own.merging(changes) { $1 })
    }

    private static func figures(
        _ name: String,
        _ sizes: [Int],
        _ load: Workload,
        _ rounds: Int,
        _ report: Report,
        _ make: (Int) throws -> (RequestGuard, String)
    ) async throws {
        for size in sizes {
            let (guarding, token) = try make(size)
            let credentials = RequestCredentials(authorization: "Bearer \(token)")
            let measured = try await Rounds(
                rounds,
                [
                    .init("raw", repetitions: 50) { try check(load.raw.verify()) },
                    .init("guard", repetitions: 50) {
                        try check(await guarding.authorize(credentials, requiring: load.requirement).accessToken != nil)
                    },
                ]
            )
            let ratio = measured.ratio("guard", to: "raw")
            try report.add(Figure(name: "scale.\(name).\(size)", ratio: ratio, meaning: "× one raw verification"))
        }
    }

    /// Hits among so many remembered tokens, each looked up in turn.
    private static func remembered(_ rounds: Int, _ report: Report) async throws {
        let issuer = try TestIssuer(algorithms: [.es256])
        let load = try Workload(.rs256)
        // A million of them take 4 GiB, and some minutes to be made.
        for count in [1_000, 10_000, 100_000, 1_000_000] {
            let policy = try ValidationPolicy(
                issuer: issuer.issuer,
                audience: [issuer.audience],
                algorithms: [.es256]
            )
            let trusted = try TrustedIssuer(policy: policy, keys: StaticKeys(JWKSet(issuer.keySet.utf8)))
            // Twice the room, as shards fill unevenly.
            let limits = try TokenCacheLimits(tokens: 2 * count, bytes: 16_384 * count, life: 86_400)
            let guarding = try RequestGuard(issuers: [trusted], tokenCache: limits)
            let fields = (0..<count).map { number in
                "Bearer " + issuer.token(lifetime: 86_400, changes: ["sub": .string("\(number)")])
            }
            for field in fields { try check(await guarding.authorize(.init(authorization: field)).accessToken != nil) }
            var next = 0
            let measured = try await Rounds(
                rounds,
                [
                    .init("raw", repetitions: 50) { try check(load.raw.verify()) },
                    .init("guard", repetitions: 2000) {
                        next = (next + 7919) % count
                        try check(await guarding.authorize(.init(authorization: fields[next])).accessToken != nil)
                    },
                ]
            )
            try report.add(
                Figure(
                    name: "scale.remembered.\(count)",
                    ratio: measured.ratio("guard", to: "raw"),
                    meaning: "× one raw RS256 verification, a hit"
                )
            )
        }
    }
}
