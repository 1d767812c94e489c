// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardAudit
import BearerGuardTesting
import Foundation
import Testing

@Suite("Audit")
struct AuditTests {
    private let issuer: TestIssuer
    private static let now: Int64 = 1_800_000_000

    init() throws {
        issuer = try TestIssuer(clock: .fixed(UnixTime(seconds: Self.now)))
    }

    private func audit(
        at instant: AuditPolicy.Instant = .at(UnixTime(seconds: now)),
        issuers: [String]? = nil,
        workers: Int = 4
    ) throws -> Audit {
        let policy = try AuditPolicy(
            keySet: JWKSet(issuer.keySet.utf8),
            issuers: issuers ?? [issuer.issuer],
            audience: [issuer.audience],
            algorithms: .asymmetric,
            types: nil,
            clockSkew: 0,
            instant: instant
        )
        return Audit(
            policy: policy,
            format: nil,
            fields: .ndjson(tokenField: "token", timeField: "ts"),
            workers: workers
        )
    }

    /// The issuer's policy, with keys that would have to be fetched.
    private func policyWithoutKeys() throws -> AuditPolicy {
        try AuditPolicy(
            issuers: [try TrustedIssuer(policy: issuer.policy(), keys: OfflineKeys())],
            instant: .at(UnixTime(seconds: Self.now))
        )
    }

    /// Runs an audit over a text and returns what it writes.
    private func output(_ audit: Audit, _ text: String) async throws -> (bytes: [UInt8], summary: AuditSummary) {
        let file = try captureFile(text.utf8)
        defer { try? file.close() }
        var output: [UInt8] = []
        let summary = try await audit.run(
            [Audit.Input(descriptor: file.fileDescriptor, name: nil)],
            verdicts: { bytes throws(CaptureError) in output += bytes }
        )
        return (output, summary)
    }

    /// Runs an audit over a text and returns the verdict lines.
    private func verdicts(_ audit: Audit, _ text: String) async throws -> (
        lines: [[String: Any]], summary: AuditSummary
    ) {
        let (bytes, summary) = try await output(audit, text)
        let lines = bytes.split(separator: UInt8(ascii: "\n")).map { line in
            (try? JSONSerialization.jsonObject(with: Data(line))) as? [String: Any] ?? [:]
        }
        return (lines, summary)
    }

    @Test("Plain text is judged line by line, blank lines and line ends of every kind aside")
    func plainText() async throws {
        let good = issuer.token()
        let text = "\(good)\n\n\(issuer.token(with: .expired))\r\nrubbish\n  \n\(good)"
        let (lines, summary) = try await verdicts(audit(), text)
        #expect(lines.map { $0["line"] as? Int } == [1, 3, 4, 6])
        #expect(lines.map { $0["verdict"] as? String } == ["valid", "invalid", "invalid", "valid"])
        #expect(lines.map { $0["reason"] as? String } == [nil, "expired", "malformed", nil])
        #expect(lines[0]["fingerprint"] as? String == lines[3]["fingerprint"] as? String)
        #expect(summary.headline == "4 tokens: 2 valid, 2 invalid, 0 undecided")
    }

    @Test("All findings are kept, in the order of the checks")
    func allFindings() async throws {
        let forger = try SigningKey(.es256, keyID: "ES256-1")
        let token = issuer.token(
            lifetime: -10,
            changes: ["aud": "other", "nbf": .integer(Self.now + 100), "scope": 1],
            header: ["typ": "dpop+jwt"],
            signedBy: forger
        )
        let (lines, _) = try await verdicts(audit(), token)
        let findings = ["bad_signature", "wrong_type", "wrong_audience", "expired", "not_yet_valid", "invalid_claim"]
        #expect(lines.first?["findings"] as? [String] == findings)
        #expect(lines.first?["reason"] as? String == "bad_signature")
        #expect(lines.first?["kid"] as? String == "ES256-1")
        #expect(lines.first?["alg"] as? String == "ES256")
    }

    @Test("A JSON line is judged at its own time, whether seconds or RFC 3339")
    func timesOfCapture() async throws {
        let token = issuer.token(lifetime: 300)
        let text = """
            {"token":"\(token)","ts":\(Self.now + 299),"id":"a"}
            {"token":"\(token)","ts":\(Self.now + 300),"id":2}
            {"token":"\(token)","ts":"2027-01-15T08:00:10Z"}
            {"token":"\(token)","ts":"2027-01-15T10:04:59.5+02:00"}
            {"token":"\(token)","ts":"2027-01-15T08:05:00Z"}
            {"token":"\(token)"}
            {"tok":"\(token)","ts":1}
            not json
            """
        let (lines, summary) = try await verdicts(audit(at: .captured), text)
        #expect(
            lines.map { $0["verdict"] as? String } == [
                "valid", "invalid", "valid", "valid", "invalid", "undecided", "undecided", "undecided",
            ]
        )
        #expect(lines[0]["id"] as? String == "a")
        #expect(lines[1]["id"] as? Int == 2)
        #expect(
            lines.suffix(3).map { $0["note"] as? String } == [
                "no time of capture in seconds (not milliseconds) or RFC 3339; --at sets one for all",
                "no member 'token' with a token", "not a JSON object",
            ]
        )
        #expect(summary.unreadable == 3)
    }

    @Test("A time in milliseconds is none, as a number and as text")
    func millisecondsOfCapture() async throws {
        let token = issuer.token(lifetime: 300)
        let text = """
            {"token":"\(token)","ts":\(Self.now * 1000)}
            {"token":"\(token)","ts":"\(Self.now * 1000)"}
            {"token":"\(token)","ts":\(Self.now)000.5}
            {"token":"\(token)","ts":\(Self.now)}
            """
        let (lines, _) = try await verdicts(audit(at: .captured), text)
        #expect(lines.map { $0["verdict"] as? String } == ["undecided", "undecided", "undecided", "valid"])
    }

    @Test("A byte order mark, a field's name and its scheme in front of a token are passed over")
    func surroundings() async throws {
        let token = issuer.token()
        let plain = """
            \u{FEFF}Authorization: Bearer \(token)
            authorization:bearer \(token)
            AUTHORIZATION: \(token)
            BEARER   \(token)
            Authorization \(token)
            """
        let (lines, _) = try await verdicts(audit(), plain)
        #expect(lines.map { $0["verdict"] as? String } == ["valid", "valid", "valid", "valid", "invalid"])
        let objects = #"\#u{FEFF}{"token":"Authorization: Bearer \#(token)"}"#
        let (fromObjects, _) = try await verdicts(audit(), objects)
        #expect(fromObjects.map { $0["verdict"] as? String } == ["valid"])
    }

    @Test("A token that comes again is judged as if it had not come before, at every second and in any order")
    func repeats() async throws {
        let changes: [String: JSONValue] = ["nbf": .integer(Self.now + 20), "iat": .integer(Self.now + 10)]
        let token = issuer.token(lifetime: 40, changes: changes)
        var generator = SeededGenerator(seed: 7)
        let seconds = (0..<400).map { _ in Int64.random(in: 0..<50, using: &generator) }
        let text = seconds.map { #"{"token":"\#(token)","ts":\#(Self.now + $0)}"# }.joined(separator: "\n")
        let (lines, _) = try await verdicts(audit(at: .captured, workers: 1), text)
        let expected = seconds.map { second -> [String] in
            (second >= 40 ? ["expired"] : []) + (second < 20 ? ["not_yet_valid"] : [])
                + (second < 10 ? ["issued_in_future"] : [])
        }
        #expect(lines.map { $0["findings"] as? [String] } == expected)
    }

    @Test("A long token whose characters are written as escapes is the same token, and a long identifier stays one")
    func escapedToken() async throws {
        let good = issuer.token(changes: ["padding": .string(String(repeating: "x", count: 7000))])
        #expect(good.utf8.count > 8192)
        let numbers = (0..<1500).map { "\($0)" }.joined(separator: ",")
        let line = #"{"token":"\#(good.replacing(".", with: #"\u002e"#))","ts":\#(Self.now),"id":[[\#(numbers)]]}"#
        let (lines, _) = try await verdicts(audit(), line)
        #expect(lines.map { $0["verdict"] as? String } == ["valid"])
        #expect((lines.first?["id"] as? [[Int]])?.first?.count == 1500)
    }

    @Test("Tokens that end alike are not taken for each other")
    func sameEnd() async throws {
        let good = issuer.token()
        let segments = good.split(separator: ".").map(String.init)
        let other = issuer.token(changes: ["sub": "another"]).split(separator: ".").map(String.init)
        let forged = [segments[0], other[1], segments[2]].joined(separator: ".")
        let changed = "A" + good.dropFirst()
        let text = [good, forged, changed, good, forged, changed].joined(separator: "\n")
        let (lines, _) = try await verdicts(audit(workers: 1), text)
        let reasons = lines.map { $0["reason"] as? String ?? "valid" }
        #expect(Array(reasons.prefix(2)) == ["valid", "bad_signature"])
        #expect(reasons[2] != "valid")
        #expect(reasons.prefix(3) == reasons.suffix(3))
    }

    @Test("Whatever the parts of a line are written as, and whatever stands beside them, its verdict is the same")
    func spellings() async throws {
        let tokens = [issuer.token(), "bEaReR  " + issuer.token(with: .expired), "no token", ""]
        let identifiers = [
            ("\"a/b\"", "\"a/b\""), ("null", "null"),
            // Two numbers that have one value may name two lines.
            ("7", "7"), ("-7", "-7"), ("-0", "-0"), ("1.50", "1.50"), ("1E3", "1E3"),
            ("12345678901234567890", "12345678901234567890"), ("-9223372036854775809", "-9223372036854775809"),
            ("{\"b\":[true]}", "{\"b\":[true]}"), ("\"\u{E9}\"", #""\u00e9""#), (#""\u0061\t""#, #""a\t""#),
            (#""<\/a>""#, #""</a>""#), ("\"\u{7F}\"", #""\u007f""#),
        ]
        var texts = [String](repeating: "", count: 4)
        var ids: [String] = []
        for token in tokens {
            let escaped = token.unicodeScalars.map { "\\u00" + String($0.value, radix: 16) }.joined()
            for time in ["1800000000", "\"1800000000\"", "\"2027-01-15T08:00:00Z\"", "\"soon\"", "1.8e9"] {
                for (id, written) in identifiers {
                    let rest = "\"ts\":\(time),\"id\":\(id)"
                    texts[0] += "{\"token\":\"\(token)\",\(rest)}\n"
                    texts[1] += " { \"token\" : \"\(token)\" , \(rest) } \r\n"
                    texts[2] += "{\"token\":\"\(escaped)\",\(rest)}\n"
                    texts[3] += "{\"\\u0078\":1,\(rest),\"to\\u006ben\":\"\(token)\"}\n"
                    ids.append(written)
                }
            }
        }
        // As long as places may be, and longer.
        for count in [65_535, 65_536, 65_537] {
            let rest = "\"ts\":\(Self.now),\"id\":\(count),\"token\":\"\(tokens[0])\"}\n"
            let start = "{\"x\":\""
            let pad = String(repeating: "x", count: count + 1 - start.utf8.count - 2 - rest.utf8.count)
            texts[0] += "\(start)\(pad)\",\(rest)"
            for index in 1...3 { texts[index] += "{\"\\u0078\":[\"\(pad)\"],\(rest)" }
            ids.append(String(count))
        }
        let expected = try await output(audit(at: .captured), texts[0])
        let lines = expected.bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.count == ids.count)
        for (number, (line, id)) in zip(lines, ids).enumerated() {
            #expect(line.hasPrefix("{\"line\":\(number + 1),\"id\":\(id),\"verdict\":"))
        }
        #expect(expected.summary.valid == identifiers.count * 4 + 3)
        for text in texts.dropFirst() { #expect(try await output(audit(at: .captured), text).bytes == expected.bytes) }
    }

    @Test("Plain text has no times, so an audit at the time of capture refuses it")
    func plainTextAtCapture() async throws {
        await #expect(throws: CaptureError.self) { try await verdicts(audit(at: .captured), issuer.token()) }
    }

    @Test(
        "Verdicts keep the order of the input and their number, whatever the number of workers",
        arguments: [1, 2, 7, 64]
    )
    func order(_ workers: Int) async throws {
        let good = issuer.token()
        let bad = issuer.token(with: .wrongAudience)
        let count = 5_000
        let text = (0..<count).map { $0 % 3 == 0 ? bad : good }.joined(separator: "\n")
        let (lines, summary) = try await verdicts(audit(workers: workers), text)
        #expect(lines.compactMap { $0["line"] as? Int } == Array(1...count))
        let wrong = lines.enumerated().count { ($1["verdict"] as? String == "invalid") != ($0 % 3 == 0) }
        #expect(wrong == 0)
        #expect(summary.total == count)
    }

    @Test("A line that is longer than any token is one verdict, and the lines behind it are read")
    func hugeLine() async throws {
        let text = String(repeating: "x", count: 3_000_000) + "\n" + issuer.token() + "\n"
        let (lines, _) = try await verdicts(audit(), text)
        #expect(lines.map { $0["reason"] as? String } == ["too_large", nil])
        #expect(lines.map { $0["line"] as? Int } == [1, 2])
    }

    @Test("Bytes that are no text, NUL bytes and brackets do not lose a line")
    func hostileLines() async throws {
        let lines = ["\u{0}\u{0}", "[]", "\"x\"", "\u{1B}[31m", "a.b.c", "..", String(repeating: ".", count: 100_000)]
        let (verdicts, _) = try await verdicts(audit(), "x\n" + lines.joined(separator: "\n"))
        #expect(verdicts.count == lines.count + 1)
        #expect(verdicts.allSatisfy { $0["verdict"] as? String == "invalid" })
    }

    @Test("Tokens of an issuer whose keys would have to be fetched stay undecided")
    func offline() async throws {
        let audit = Audit(policy: try policyWithoutKeys(), format: nil, fields: .plainText, workers: 1)
        let (lines, summary) = try await verdicts(audit, issuer.token() + "\n" + issuer.token(with: .wrongIssuer))
        #expect(lines.map { $0["verdict"] as? String } == ["undecided", "invalid"])
        #expect(lines.map { $0["reason"] as? String } == ["keys_unavailable", "wrong_issuer"])
        #expect(summary.withoutKeys == 1)
    }

    @Test("A token that names no issuer of the policy gets the reason that a guard gives")
    func noJudge() async throws {
        let policy = try policyWithoutKeys()
        let audit = Audit(policy: policy, format: nil, fields: .plainText, workers: 1)
        let segments = issuer.token().split(separator: ".").map(String.init)
        let payloads = [
            #"{"iss":"a","iss":"a"}"#, #"{"sub":"a","sub":"b"}"#, #"[1]"#, #"{"iss":"#, #"{"sub":"a"}"#, #"{"iss":7}"#,
            #"{"iss":"https://other.example"}"#,
        ]
        let tokens = payloads.map { [segments[0], Base64URL.encode($0.utf8), segments[2]].joined(separator: ".") }
        let (lines, _) = try await verdicts(audit, tokens.joined(separator: "\n"))
        let reasons = [
            "malformed", "malformed", "malformed", "malformed", "missing_claim", "invalid_claim", "wrong_issuer",
        ]
        #expect(lines.map { $0["reason"] as? String } == reasons)
        for (token, reason) in zip(tokens, reasons) {
            guard case .failed(let rejection) = policy.inspect(Array(token.utf8)).checks.last?.outcome else {
                Issue.record("no failed check")
                continue
            }
            #expect(rejection.code.text == reason)
        }
    }

    @Test("By an archive each token is judged by the keys of its own time, and a withdrawn key is told")
    func archived() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("archive-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let archive = try KeyArchive(directory: folder)
        let before = Array(issuer.keySet.utf8)
        let old = issuer.token()
        let policy = try issuer.policy()
        issuer.replace(.es256, by: try SigningKey(.es256, keyID: "new"))
        let new = issuer.token()
        for (set, seconds) in [(before, -100), (before, 0), (Array(issuer.keySet.utf8), 10)] as [([UInt8], Int64)] {
            try archive.record(set, of: issuer.issuer, at: UnixTime(seconds: Self.now + seconds))
        }
        let judged = try AuditPolicy(
            issuers: [try TrustedIssuer(policy: policy, keys: OfflineKeys())],
            archive: try KeyArchive(reading: folder),
            instant: .captured
        )
        let audit = Audit(
            policy: judged,
            format: nil,
            fields: .ndjson(tokenField: "token", timeField: "ts"),
            workers: 2
        )
        let text = [(old, 0), (old, 5), (old, 20), (new, 5), (new, 20), (new, -50), (old, -200)].map {
            #"{"token":"\#($0)","ts":\#(Self.now + Int64($1))}"#
        }
        let (lines, summary) = try await verdicts(audit, text.joined(separator: "\n"))
        #expect(
            lines.map { $0["reason"] as? String ?? "valid" } == [
                "valid", "valid", "unknown_key", "valid", "valid", "unknown_key", "keys_unavailable",
            ]
        )
        let withdrawn = UnixTime(seconds: Self.now + 10).rfc3339
        #expect(
            lines.map { $0["key_withdrawn_since"] as? String } == [withdrawn, withdrawn, nil, nil, nil, nil, nil]
        )
        #expect(summary.withoutKeys == 1)
    }

    @Test("An audit that is stopped closes with what is done")
    func interruption() async throws {
        let file = try captureFile(String(repeating: "rubbish\n", count: 500_000).utf8)
        defer { try? file.close() }
        var asked = 0
        let summary = try await audit(workers: 1).run(
            [Audit.Input(descriptor: file.fileDescriptor, name: nil)],
            verdicts: nil,
            shouldStop: {
                asked += 1
                return asked > 4
            }
        )
        #expect(summary.wasInterrupted)
        #expect(summary.total > 0)
        #expect(summary.total < 500_000)
    }

    @Test("Progress counts tokens, not lines, and the bytes of those alone that were judged, at the end all")
    func progress() async throws {
        let text = String(repeating: "rubbish\n\n", count: 100_000)
        let file = try captureFile(text.utf8)
        defer { try? file.close() }
        var told: [Audit.Progress] = []
        let inputs = [Audit.Input(descriptor: file.fileDescriptor, name: nil)]
        let summary = try await audit().run(inputs, verdicts: nil, progress: { told.append($0) })
        #expect(summary.total == 100_000)
        #expect(told.last?.tokens == 100_000)
        #expect(told.last?.bytes == text.utf8.count)
        // A batch may end with a line, or with the empty one behind it.
        #expect(told.allSatisfy { 0...1 ~= 9 * $0.tokens - $0.bytes })
        #expect(told.count > 1)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.tokens <= $1.tokens && $0.bytes <= $1.bytes })
    }

    @Test("An audit whose task is cancelled closes with what is done, and says that it was interrupted")
    func cancellation() async throws {
        let file = try captureFile(String(repeating: "rubbish\n", count: 500_000).utf8)
        defer { try? file.close() }
        let audit = try audit(workers: 1)
        var verdicts = 0
        let summary = try await audit.run(
            [Audit.Input(descriptor: file.fileDescriptor, name: nil)],
            verdicts: { bytes throws(CaptureError) in
                verdicts += bytes.count { $0 == UInt8(ascii: "\n") }
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            }
        )
        #expect(summary.wasInterrupted)
        #expect(summary.total == verdicts)
        #expect((1..<500_000).contains(verdicts))
    }

    @Test("Tokens whose kid or alg only look alike keep their own, in verdicts and in the summary")
    func lookAlikes() async throws {
        // The Kelvin sign, which `String` takes for a K, and an accent that stands apart.
        let names = ["K9", "\u{212A}9", "\u{E9}", "e\u{301}"]
        let text = names.flatMap { name in
            [issuer.token(header: ["kid": .string(name)]), issuer.token(header: ["alg": .string(name)])]
        }
        let (lines, _) = try await verdicts(audit(workers: 1), text.joined(separator: "\n"))
        let shown = ["K9", "\\u{212a}9", "\\u{e9}", "e\\u{301}"]
        #expect(stride(from: 0, to: 8, by: 2).map { lines[$0]["kid"] as? String } == shown)
        #expect(stride(from: 1, to: 8, by: 2).map { lines[$0]["alg"] as? String } == shown)
    }

    @Test("Of more kinds of findings than are remembered each line keeps its own")
    func manyConclusions() async throws {
        let segments = issuer.token().split(separator: ".", maxSplits: 1).map(String.init)
        let rest = try #require(segments.last)
        func token(_ number: Int) -> String {
            Base64URL.encode(#"{"alg":"RS256","kid":"forged-\#(number)"}"#.utf8) + "." + rest
        }
        // Those that name keys there are none of are 16 384; then some that are remembered, and some that are not.
        let numbers = Array(0..<16_400) + Array(0..<20) + Array(16_380..<16_400)
        let (lines, summary) = try await verdicts(audit(), numbers.map(token).joined(separator: "\n"))
        #expect(lines.map { $0["kid"] as? String } == numbers.map { "forged-\($0)" })
        #expect(lines.allSatisfy { $0["reason"] as? String == "unknown_key" })
        #expect(summary.invalid == numbers.count)
    }

    @Test("Behind so many conclusions that a worker starts anew, each line has its own, and all are counted")
    func settledConclusions() async throws {
        let good = issuer.token()
        let rest = try #require(good.split(separator: ".", maxSplits: 1).last)
        // Some hundreds a batch, of which each has more than a worker keeps.
        let names = (0..<4000).map { $0.isMultiple(of: 3) ? nil : "forged-\($0 % 900)" }
        let lines = names.map { name in
            name.map { Base64URL.encode(#"{"alg":"RS256","kid":"\#($0)"}"#.utf8) + "." + rest } ?? good
        }
        let (found, summary) = try await verdicts(audit(workers: 1), lines.joined(separator: "\n"))
        #expect(found.map { $0["verdict"] as? String } == names.map { $0 == nil ? "valid" : "invalid" })
        #expect(zip(found, names).allSatisfy { $1 == nil || $0["kid"] as? String == $1 })
        #expect(summary.valid == names.count { $0 == nil })
        #expect(summary.total == 4000)
    }

    @Test("The summary counts by what is configured, not by what tokens claim")
    func boundedSummary() async throws {
        let text = (0..<500).map { issuer.token(header: ["kid": .string("forged-\($0)"), "alg": .string("X\($0)")]) }
        let (_, summary) = try await verdicts(audit(), text.joined(separator: "\n"))
        #expect(!summary.report.contains("forged-"))
        #expect(summary.report.contains("(none known)"))
    }
}
