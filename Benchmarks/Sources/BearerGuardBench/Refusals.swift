// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad

/// What it costs to say no.
enum Refusals {
    /// Malformed tokens of 16 KiB as multiples of one raw RS256 verification, of the usual token and of one that is as long;
    /// the worst has lines of its own.
    static func malformed(_ rounds: Int, _ report: Report) async throws {
        let load = try Workload(.rs256)
        let guarding = try load.makeGuard(cache: .standard)
        try check(await guarding.authorize(.init(authorization: "Bearer \(load.token)")).accessToken != nil)
        let long = try RawVerification(HostileTokens.good(load.issuer), key: load.key, algorithm: .rs256)
        var worst: (name: String, ratio: Ratio, ofLong: Ratio)?
        var mostBytes = 0
        for hostile in HostileTokens.tokens(load.issuer) {
            let credentials = RequestCredentials(authorization: "Bearer \(hostile.token)")
            // A character that no token has is a fault of the request.
            func isRefused() async -> Bool {
                let code = await guarding.authorize(credentials).refusal?.code
                return code == .malformed || code == .invalidRequest
            }
            let measured = try await Rounds(
                rounds,
                [
                    .init("raw", repetitions: 50) { try check(load.raw.verify()) },
                    .init("guard", repetitions: 50) { try check(await isRefused()) },
                    .init("long", repetitions: 50) { try check(long.verify()) },
                ]
            )
            mostBytes = max(mostBytes, try await Allocations { await isRefused() }.bytes)
            let name = "malformed.\(hostile.name.replacing(" ", with: "-"))"
            let ratio = measured.ratio("guard", to: "raw")
            try report.add(
                Figure(name: name, ratio: ratio, meaning: "of 16 KiB, × one raw verification of the usual token")
            )
            if ratio.median > worst?.ratio.median ?? 0 { worst = (name, ratio, measured.ratio("guard", to: "long")) }
        }
        guard let worst else { return }
        try report.add(Figure(name: "refusal.malformed", ratio: worst.ratio, meaning: "\(worst.name), × the same"))
        try report.add(
            Figure(
                name: "refusal.malformed.as-long",
                ratio: worst.ofLong,
                meaning: "\(worst.name), × one raw verification of a token of 16 KiB"
            )
        )
        try report.add(
            Figure(name: "refusal.bytes", ratio: Ratio(Double(mostBytes)), meaning: "bytes allocated at most, in all")
        )
    }

    /// Well-formed tokens that are refused, as multiples of a good one at first sight.
    static func others(_ rounds: Int, _ report: Report) async throws {
        let load = try Workload(.rs256)
        let guarding = try load.makeGuard(cache: .off)
        let good = RequestCredentials(authorization: "Bearer \(load.token)")
        let cases: [(String, String, RejectionCode)] = [
            ("unknown-kid", load.issuer.token(header: ["kid": "nobody"]), .unknownKey),
            ("wrong-issuer", load.issuer.token(changes: ["iss": "https://other.example"]), .wrongIssuer),
            ("expired", load.issuer.token(with: .expired), .expired),
            ("forged", load.tokenOfAnotherSignature, .badSignature),
        ]
        for (name, token, code) in cases {
            let bad = RequestCredentials(authorization: "Bearer \(token)")
            let measured = try await Rounds(
                rounds,
                [
                    .init("good", repetitions: 50) {
                        try check(await guarding.authorize(good, requiring: load.requirement).accessToken != nil)
                    },
                    .init("bad", repetitions: 50) {
                        try check(await guarding.authorize(bad, requiring: load.requirement).refusal?.code == code)
                    },
                ]
            )
            let ratio = measured.ratio("bad", to: "good")
            try report.add(Figure(name: "refusal.\(name)", ratio: ratio, meaning: "× a good token at first sight"))
        }
    }
}
