// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardGateway
import BearerGuardTesting
import Foundation
import Synchronization
import Testing

@Suite("Decisions of the gateway")
struct GatewayPolicyTests {
    private let issuer: TestIssuer

    init() throws { issuer = try TestIssuer() }

    @Test("Each rule asks what it says")
    func rules() async throws {
        let read = issuer.token(scopes: ["read"])
        #expect(try await decide("/public", token: "nonsense") == "allowed")
        #expect(try await decide("/optional", token: nil) == "allowed")
        #expect(try await decide("/optional", token: read) == "allowed X-Sub=user-1")
        #expect(try await decide("/optional", token: issuer.token(with: .expired)) == "expired")
        #expect(try await decide("/required", token: nil) == "missing_token")
        #expect(try await decide("/required", token: issuer.token()) == "insufficient_scope")
        #expect(try await decide("/required", token: read) == "allowed X-Sub=user-1")
        #expect(try await decide("/denied", token: read) == "insufficient_scope: the rule lets nobody pass")
        #expect(try await decide("/other", token: read) == "insufficient_scope: no rule is about this request")
    }

    @Test("H2: a token in the query beside one in the header is a second token; alone it is none")
    func query() async throws {
        let read = issuer.token(scopes: ["read"])
        #expect(try await decide("/required?access_token=\(read)", token: read) == "multiple_tokens")
        #expect(try await decide("/required?access%5Ftoken=x", token: read) == "multiple_tokens")
        #expect(try await decide("/required?access_token=\(read)", token: nil) == "missing_token")
    }

    @Test(
        "H10: a claim is sent as it is where it is safe, encoded where it is not, and never as another",
        arguments: [
            (JSONValue.string("user-1"), "X-Sub=user-1"), ("a b", "X-Sub=a b"), (7, "X-Sub=7"), (true, "X-Sub=true"),
            (["a", "b"], "X-Sub=a b"), ("", "X-Sub=b64:"), ("a\r\nX: y", "X-Sub=b64:YQ0KWDogeQ"),
            ("\u{E9}", "X-Sub=b64:w6k"), ("a,b", "X-Sub=b64:YSxi"), (" a", "X-Sub=b64:IGE"),
            ("b64:YQ", "X-Sub=b64:YjY0OllR"), (["a b", "c"], "X-Sub=b64:WyJhIGIiLCJjIl0"), ([1], "X-Sub=b64:WzFd"),
            (["a": 1], "X-Sub=b64:eyJhIjoxfQ"), (nil, nil), (.null, nil),
        ] as [(JSONValue?, String?)]
    )
    func identity(_ claim: JSONValue?, _ field: String?) async throws {
        let token = issuer.token(scopes: ["read"], changes: ["who": claim])
        let expected = field.map { "allowed \($0)" } ?? "allowed"
        #expect(try await decide("/required", token: token, claim: "who") == expected)
    }

    @Test("A claim too large for a header refuses the request")
    func large() async throws {
        let token = issuer.token(scopes: ["read"], changes: ["who": .string(String(repeating: "x", count: 4097))])
        #expect(
            try await decide("/required", token: token, claim: "who")
                == #"invalid_claim: a claim is too large for an identity header, Bearer realm="api", "#
                + #"error="invalid_token", error_description="The access token lacks a required claim""#
        )
    }

    @Test("A thousand changes of the configuration under load decide every request by the old one or the new one")
    func reloads() async throws {
        let policies = try [("read", "write"), ("write", "read")].map { ours, _ in
            let rules = """
                rules: [{path: /required, require: {scopes: [\(ours)]}}]
                """
            return try document(rules)
        }
        let state = try GatewayState(policies[0], relativeTo: "", log: GatewayLog(level: .warning))
        let target = try RequestTarget("/required")
        let both = RequestCredentials(authorization: "Bearer \(issuer.token(scopes: ["read", "write"]))")
        let none = RequestCredentials(
            authorization: "Bearer \(issuer.token(with: .forgedKey, scopes: ["read", "write"]))"
        )
        let tally = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<5000 {
                        let request = OriginalRequest(method: "GET", target: target)
                        let isWrong = await [
                            state.current.policy.decide(request, both).answer.status != 200,
                            state.current.policy.decide(request, none).answer.status != 401,
                        ]
                        tally.wrong.add(isWrong.count(where: \.self), ordering: .relaxed)
                        tally.judged.add(2, ordering: .relaxed)
                    }
                }
            }
            for turn in 1...1000 { try await state.replace(by: policies[turn % 2]) }
            try await group.waitForAll()
        }
        await state.close()
        #expect(tally.wrong.load(ordering: .relaxed) == 0)
        #expect(tally.judged.load(ordering: .relaxed) == 20_000)
    }

    @Test("Metrics count decisions, refusals of the gateway and keys, under labels of closed sets")
    func metrics() async throws {
        let state = try GatewayState(
            try document("rules: [{path: /required}]"),
            relativeTo: "",
            log: GatewayLog(level: .warning)
        )
        let request = OriginalRequest(method: "GET", target: try RequestTarget("/required"))
        let canary = issuer.token()
        for token in [canary, canary, issuer.token(with: .expired), "nonsense"] {
            _ = await state.current.policy.decide(request, RequestCredentials(authorization: "Bearer \(token)"))
        }
        let requestGuard = state.current.policy.requestGuard
        let text = state.metrics.text(requestGuard.status(), remembered: requestGuard.rememberedTokens)
        let lines = text.split(separator: "\n")
        #expect(lines.contains(#"bearerguard_decisions_total{outcome="authorized",issuer="main"} 2"#))
        #expect(lines.contains(#"bearerguard_decisions_total{outcome="expired",issuer="main"} 1"#))
        #expect(lines.contains(#"bearerguard_decisions_total{outcome="malformed",issuer="none"} 1"#))
        #expect(lines.contains(#"bearerguard_cached_decisions_total{issuer="main"} 1"#))
        #expect(lines.contains("bearerguard_decision_duration_seconds_count 4"))
        // Each bucket holds those before it, and the last one all.
        let buckets = lines.filter { $0.hasPrefix("bearerguard_decision_duration_seconds_bucket") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(buckets.count == 12 && buckets == buckets.sorted() && buckets.suffix(2) == [4, 4])
        #expect(lines.contains(#"bearerguard_keys{issuer="main",state="fresh"} 1"#))
        #expect(lines.contains("bearerguard_remembered_tokens 1"))
        for part in canary.split(separator: ".") { #expect(!text.contains(part)) }
        #expect(!text.contains("user-1"))
        await state.close()
    }

    @Test("A key file that can no longer be used is counted and said, and its keys serve on")
    func brokenKeyFile() async throws {
        let keys = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: keys) }
        try Data(issuer.keySet.utf8).write(to: keys)
        let document = try document("rules: [{path: /required}]", keys: "{file: \(keys.path)}")
        let state = try GatewayState(document, relativeTo: "", log: GatewayLog(level: .warning))
        let request = OriginalRequest(method: "GET", target: try RequestTarget("/required"))
        func status(_ token: String) async -> Int {
            let credentials = RequestCredentials(authorization: "Bearer \(token)")
            return await state.current.policy.decide(request, credentials).answer.status
        }
        try Data(#"{"keys":[]}"#.utf8).write(to: keys)
        // A key that is not known has the file looked at.
        #expect(await status(issuer.token(header: ["kid": "other"])) == 401)
        #expect(await status(issuer.token()) == 200)
        let text = state.metrics.text(state.current.policy.requestGuard.status(), remembered: (0, 0))
        let lines = text.split(separator: "\n")
        #expect(lines.contains(#"bearerguard_key_refreshes_total{issuer="main",outcome="no_usable_key"} 1"#))
        #expect(lines.contains(#"bearerguard_key_alarms_total{issuer="main",alarm="source_failing"} 1"#))
        await state.close()
    }

    private func document(_ gateway: String, keys: String? = nil) throws -> GatewayDocument {
        try GatewayDocumentTests.read(
            """
            issuers:
              - alias: main
                issuer: \(issuer.issuer)
                audience: \(issuer.audience)
                algorithms: [ES256]
                keys: \(keys ?? "{jwks: \(issuer.keySet)}")
            gateway:
              \(gateway)
            """
        )
    }

    private func decide(_ target: String, token: String?, claim: String = "sub") async throws -> String {
        let document = try document(
            """
            identity: {X-Sub: \(claim)}
              rules:
                - {path: /public, access: public}
                - {path: /optional, access: optional}
                - {path: /required, require: {scopes: [read]}}
                - {path: /denied, access: denied}
            """
        )
        let state = try GatewayState(document, relativeTo: "", log: GatewayLog(level: .warning))
        let outcome = await state.current.policy.decide(
            OriginalRequest(method: "GET", target: try RequestTarget(target)),
            RequestCredentials(authorization: token.map { "Bearer \($0)" })
        )
        await state.close()
        switch outcome.answer {
        case .allowed(let identity):
            return (["allowed"] + identity.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
        case .refused(let refusal):
            let detail = outcome.detail.map { detail in
                ([": \(detail)"] + refusal.challenges.map(\.headerValue)).joined(separator: ", ")
            }
            return refusal.code.text + (detail ?? "")
        }
    }
}

private final class Tally: Sendable {
    let wrong = Atomic<Int>(0)
    let judged = Atomic<Int>(0)
}
#endif
