// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// Every challenge that the guard sends, read by a parser of somebody else's: Werkzeug's.
@Suite("Challenges as others read them")
struct ChallengeParserTests {
    private static let script = """
        import json, sys
        from werkzeug.datastructures import WWWAuthenticate
        for line in open(sys.argv[1]):
            challenge = WWWAuthenticate.from_header(line.rstrip("\\n"))
            print(json.dumps({"scheme": challenge.type, **challenge.parameters}))
        """

    @Test("H6: each is one Bearer challenge with the parameters that were meant, whatever the realm has in it")
    func parsed() async throws {
        guard let python = await Python.with("werkzeug") else { return }
        let issuer = try TestIssuer()
        let realm = "site one, error=two; Basic realm"
        let requestGuard = try RequestGuard(
            issuers: [TrustedIssuer(policy: issuer.policy(), keys: StaticKeys(JWKSet(issuer.keySet.utf8)))],
            realm: realm,
            protectedResource: ProtectedResource(
                resource: "https://api.test/orders",
                authorizationServers: [issuer.issuer]
            )
        )
        var fields: [String?] = [nil, "Bearer", "Basic eA==", "Bearer \(issuer.token(scopes: ["other"]))"]
        fields += TestIssuer.Flaw.allCases.map { "Bearer \(issuer.token(with: $0))" }
        var refusals: [Refusal] = []
        for field in fields {
            let credentials = RequestCredentials(authorization: field)
            let decision = await requestGuard.authorize(credentials, requiring: .scopes("read", "write"))
            refusals.append(try #require(decision.refusal))
        }
        let folder = try TemporaryFolder()
        let file = folder.url.appendingPathComponent("challenges")
        let challenges = refusals.flatMap(\.challenges)
        #expect(challenges.count == refusals.count)
        try Data(challenges.map { $0.headerValue + "\n" }.joined().utf8).write(to: file)
        let lines = try await Program.run(python, ["-c", Self.script, file.path]).split(separator: "\n")
        #expect(lines.count == challenges.count)
        for (line, challenge) in zip(lines, challenges) {
            var meant = ["scheme": "bearer", "realm": realm]
            meant["error"] = challenge.error
            meant["error_description"] = challenge.errorDescription
            meant["resource_metadata"] = challenge.resourceMetadata
            if !challenge.scopes.isEmpty { meant["scope"] = challenge.scopes.joined(separator: " ") }
            let read = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
            #expect(read == meant)
        }
        print("challenges: \(lines.count) read by Werkzeug as they were meant")
    }
}
#endif
