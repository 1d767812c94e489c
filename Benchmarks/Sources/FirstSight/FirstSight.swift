// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting

/// First sight of a token: the whole guard against one raw OpenSSL verification of the same signature, in rounds that
/// take turns.
///
/// Machines are noisy, so only ratios of medians mean anything.
@main
enum FirstSight {
    static func main() async throws {
        print("first sight of a 1.1 KB token: RequestGuard.authorize / raw OpenSSL verification, median of 31 rounds")
        for algorithm in [SignatureAlgorithm.rs256, .ps256, .es256, .edDSA] {
            let issuer = try TestIssuer(algorithms: [algorithm])
            let requestGuard = try issuer.makeGuard()
            let groups = (0..<10).map { JSONValue.string("group-number-\($0)-of-the-user") }
            let token = issuer.token(
                scopes: ["openid", "profile", "orders:read", "orders:write", "offline_access"],
                lifetime: 3600,
                changes: ["groups": .array(groups), "uid": "00u1a2b3c4d5e6f7g8h9", "ver": 1]
            )
            guard let key = issuer.signingKey(),
                let raw = RawVerification(token: token, pem: key.publicPEM, algorithm: algorithm)
            else { continue }
            let credentials = RequestCredentials(authorization: "Bearer \(token)")
            var whole: [Duration] = []
            var limit: [Duration] = []
            for _ in 0..<31 {
                limit.append(
                    ContinuousClock().measure { for _ in 0..<200 where !raw.verify() { print("raw: refused") } }
                )
                let start = ContinuousClock.now
                for _ in 0..<200 where await requestGuard.authorize(credentials).accessToken == nil {
                    print("guard: refused")
                }
                whole.append(ContinuousClock.now - start)
            }
            let ratio = whole.sorted()[15] / limit.sorted()[15]
            let name = algorithm.rawValue + String(repeating: " ", count: 6 - algorithm.rawValue.count)
            print("  \(name) \((ratio * 100).rounded() / 100) x raw, \(token.utf8.count) bytes")
        }
    }
}
