// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// `keys record` against a real server, and the audit by what it recorded.
@Suite("Recording keys")
struct RecordKeysTests {
    private let server: FaultServer
    private let issuer: TestIssuer
    private let folder: TemporaryFolder

    init() throws {
        server = try FaultServer()
        issuer = try TestIssuer(issuer: server.url(""))
        folder = try TemporaryFolder()
        server.script("/.well-known/openid-configuration", .json(issuer.metadata(jwksURL: server.url("/jwks"))))
        server.script("/jwks", .json(issuer.keySet))
        try folder.write(
            """
            issuers:
              - alias: main
                issuer: \(issuer.issuer)
                audience: \(issuer.audience)
                algorithms: [ES256]
                allowLoopbackHTTP: true
            """,
            to: "policy.yaml"
        )
    }

    private func record() throws -> Program.Answer {
        try Program.run(
            ["keys", "record", "--once", "--policy", folder.path("policy.yaml"), "--archive", folder.path("keys")]
        )
    }

    @Test("What it recorded is what an audit judges by, with the time of a withdrawal")
    func recordAndAudit() throws {
        let first = try record()
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.errors.contains("main: keys ES256-1"))
        let old = issuer.token()
        issuer.replace(.es256, by: try SigningKey(.es256, keyID: "second"))
        server.script("/jwks", .json(issuer.keySet))
        #expect(try record().status == 0)
        let capture = try folder.write(
            #"{"token":"\#(old)","ts":\#(Int64(Date().timeIntervalSince1970) - 1)}"# + "\n"
                + #"{"token":"\#(issuer.token())","ts":\#(Int64(Date().timeIntervalSince1970) + 1)}"# + "\n",
            to: "capture.ndjson"
        )
        let audit = try Program.run([
            "audit", capture.path, "--policy", folder.path("policy.yaml"), "--archive", folder.path("keys"), "--format",
            "ndjson",
        ])
        #expect(audit.output.split(separator: "\n").count == 2)
        #expect(audit.output.contains("\"kid\":\"second\""))
        server.stop()
    }

    @Test("An issuer that cannot be reached is exit status 3 with --once, and nothing is recorded")
    func unreachable() throws {
        server.refuse()
        let answer = try record()
        #expect(answer.status == 3)
        #expect(answer.errors.contains("main: cannot be reached (connection)"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("keys")) == [])
        server.stop()
    }

    @Test("A policy without an issuer that is fetched has nothing to record")
    func nothingToRecord() throws {
        try folder.write(issuer.keySet, to: "set.json")
        try folder.write(
            #"{"issuers":[{"issuer":"https://i.test","audience":"a","algorithms":"ES256","keys":{"file":"set.json"}}]}"#,
            to: "policy.yaml"
        )
        let answer = try record()
        #expect(answer.status == 2)
        #expect(answer.errors.contains("no issuer of it has keys that are fetched"))
        server.stop()
    }
}
#endif
