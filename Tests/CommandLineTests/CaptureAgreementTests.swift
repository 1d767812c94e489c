// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import Foundation
import Testing

/// Captures of 100 000 lines by a maker that is not part of the project: every verdict must be the expected one.
@Suite("Captures made elsewhere")
struct CaptureAgreementTests {
    private static let maker: String? = {
        let folders = [ProcessInfo.processInfo.environment["BEARERGUARD_TOOLS"], "../shared/tools"].compactMap { $0 }
        return folders.map { $0 + "/make_tokens.py" }.first { FileManager.default.fileExists(atPath: $0) }
    }()

    private static let mix =
        "RS256=30,RS384=4,RS512=4,PS256=8,PS384=4,PS512=4,ES256=24,ES384=6,ES512=6,EdDSA=10"

    @Test("audit agrees with the expected verdict and reason on every line", arguments: [11, 12])
    func agreement(seed: Int) throws {
        guard let maker = Self.maker, let program = Program.release else {
            print(
                "captures: skipped, no make_tokens.py or no release build (BEARERGUARD_TOOLS, BEARERGUARD_RELEASE_PROGRAM)"
            )
            return
        }
        let folder = try TemporaryFolder()
        let count = 100_000
        // One job: Foundation starts programs with SIGTERM blocked, and a pool of workers could then never be ended.
        let python = try Program.run(
            [
                "python3", maker, "-o", folder.url.path, "-n", "\(count)", "--seed", "\(seed)", "--expected",
                "--mix", Self.mix, "--jobs", "1",
            ],
            program: URL(fileURLWithPath: "/usr/bin/env")
        )
        #expect(python.status == 0, "\(python.errors)")
        let config = try JSONSerialization.jsonObject(
            with: Data(contentsOf: folder.url.appendingPathComponent("config.json"))
        )
        let settings = try #require(config as? [String: Any])
        let issuers = try #require(settings["issuers"] as? [String])
        let audience = try #require(settings["audience"] as? String)
        let now = try #require(settings["now"] as? Int)
        let arguments =
            ["audit", folder.path("tokens.ndjson"), "--jwks", folder.path("jwks.json"), "--audience", audience]
            + issuers.flatMap { ["--issuer", $0] }
            + ["--typ", "at+jwt", "--at", "\(now)", "--format", "ndjson", "--output", folder.path("verdicts")]
        let answer = try Program.run(arguments, program: program)
        #expect(answer.status == 1, "\(answer.errors)")
        let verdicts = try Self.lines(folder.path("verdicts"))
        let expected = try Self.lines(folder.path("expected.ndjson"))
        #expect(verdicts.count == count)
        #expect(expected.count == count)
        var wrong: [String] = []
        for (verdict, right) in zip(verdicts, expected) {
            let reason = verdict["reason"] as? String
            let rightReason = right["reason"] as? String
            // Where only the payload was emptied, the signature is wrong too.
            let isRight =
                verdict["id"] as? String == right["id"] as? String
                && verdict["verdict"] as? String == right["expect"] as? String
                && (reason == rightReason || (rightReason == "malformed" && reason == "bad_signature"))
            if !isRight { wrong.append("\(right) judged \(verdict)") }
        }
        #expect(wrong.isEmpty, "\(wrong.count) wrong, the first: \(wrong.first ?? "")")
        print("captures seed \(seed): \(count - wrong.count) of \(count) lines agree")
    }

    private static func lines(_ path: String) throws -> [[String: Any]] {
        try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n")).map {
            try JSONSerialization.jsonObject(with: Data($0)) as? [String: Any] ?? [:]
        }
    }
}
#endif
