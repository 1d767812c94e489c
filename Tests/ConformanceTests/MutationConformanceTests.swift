// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

@Suite("Conformance: mutations")
struct MutationConformanceTests {
    /// How many changes for each algorithm: set BEARERGUARD_MUTATIONS=1000000 and test in release for the long run.
    private static let count =
        ProcessInfo.processInfo.environment["BEARERGUARD_MUTATIONS"].flatMap { Int($0) } ?? 20_000
    private static let seed =
        ProcessInfo.processInfo.environment["BEARERGUARD_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: .min ... .max)

    @Test("No token with one changed byte is accepted", arguments: SignatureAlgorithm.allCases)
    func singleByteChanges(_ algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey(algorithm, keyID: "mutated")
        let issuer = try TestIssuer(algorithms: [])
        let token = Array(issuer.token(scopes: ["read", "write"], algorithm: algorithm, signedBy: key).utf8)
        let keySet: JSONValue = ["keys": [key.jwk]]
        let keys = KeySnapshot(try JWKSet(Array(keySet.text.utf8), origin: .local))
        let validator = TokenValidator(
            policy: .unsafeWithHoles(
                issuer: issuer.issuer,
                audience: [issuer.audience],
                algorithms: Set(SignatureAlgorithm.allCases),
                acceptedTokens: .accessToken,
                clockSkew: 30
            ),
            binding: .bearer
        )
        let now = WallClock.system.now()
        #expect(validator.judge(token, keys: keys, at: now).findings == [])
        var generator = SeededGenerator(seed: Self.seed ^ UInt64(algorithm.rawValue.hashed))
        var accepted: [String] = []
        for _ in 0..<Self.count {
            var changed = token
            let position = Int.random(in: token.indices, using: &generator)
            changed[position] ^= UInt8.random(in: 1...255, using: &generator)
            if validator.judge(changed, keys: keys, at: now).findings.isEmpty {
                accepted.append("byte \(position) became \(changed[position])")
            }
        }
        print("mutations \(algorithm.rawValue): \(accepted.count) of \(Self.count) accepted, seed \(Self.seed)")
        #expect(accepted == [])
    }
}

extension String {
    /// The same in every process, unlike `hashValue`.
    fileprivate var hashed: UInt32 {
        utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }
}
