// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import Foundation
import Testing

/// Authorization servers that nobody here wrote, live: their own flows, their keys fetched as the guard does it.
@Suite("Authorization servers of others", .serialized)
struct OtherIssuersTests {
    private static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private static func script(_ name: String) -> String { scripts.appendingPathComponent(name).path }

    private static func read(_ output: String) throws -> JSONObject {
        try #require(try JSONDocument(Array(output.utf8), limits: .document).value.objectValue)
    }

    /// What a guard decides about tokens of one issuer, whose keys it fetches.
    private static func decide(
        _ policy: ValidationPolicy,
        _ keys: RemoteKeys,
        _ tokens: JSONObject,
        requiring requirement: Requirement = .authenticated
    ) async throws -> [String: Decision] {
        let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: policy, keys: keys)])
        var decisions: [String: Decision] = [:]
        for name in ["access", "id", "credentials"] {
            guard let token = tokens[name]?.stringValue else { continue }
            decisions[name] = await requestGuard.authorize(
                RequestCredentials(authorization: "Bearer \(token)"),
                requiring: requirement
            )
        }
        return decisions
    }

    @Test("glewlwyd: RS256, ES256 and EdDSA tokens of RFC 9068 by discovery; its ID tokens are refused")
    func glewlwyd() async throws {
        let (program, sqlite) = ("/usr/bin/glewlwyd", "/usr/bin/sqlite3")
        guard Program.isInstalled(program), Program.isInstalled(sqlite) else {
            print("glewlwyd or sqlite3 is not installed: its test is skipped")
            return
        }
        guard let python = await Python.with("httpx", "joserfc") else { return }
        let folder = try TemporaryFolder()
        let port = try LoopbackProcess.freePort()
        let database = folder.url.appendingPathComponent("glewlwyd.sqlite").path
        let schema = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql"
        try await Program.run(
            "/bin/sh",
            ["-c", "if [ -f \(schema).gz ]; then zcat \(schema).gz; else cat \(schema); fi | \(sqlite) \(database)"]
        )
        // The package's own configuration, but for where it listens and keeps its data.
        let shipped = try String(contentsOfFile: "/etc/glewlwyd/glewlwyd.conf", encoding: .utf8)
        let lines = shipped.split(separator: "\n").map { line -> String in
            switch line {
            case _ where line.hasPrefix("port="): "port=\(port)\nbind_address=\"127.0.0.1\""
            // Without a slash at its end: with one every address in the metadata has two.
            case _ where line.hasPrefix("external_url="): "external_url=\"http://127.0.0.1:\(port)\""
            case _ where line.hasPrefix("log_mode="): "log_mode=\"console\""
            case _ where line.hasPrefix("@include") && line.contains("-db.conf"):
                "database = { type=\"sqlite3\"; path=\"\(database)\"; };"
            default: String(line)
            }
        }
        let file = folder.url.appendingPathComponent("glewlwyd.conf")
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        let process = try LoopbackProcess(
            program,
            ["-c", file.path],
            log: folder.url.appendingPathComponent("glewlwyd.log")
        )
        defer { process.kill() }
        try await process.untilListening(port)
        let told = try Self.read(
            try await Program.run(python, [Self.script("glewlwyd_tokens.py"), String(port)])
        )
        let fetcher = try AsyncHTTPClientFetcher()
        for algorithm in [SignatureAlgorithm.rs256, .es256, .edDSA] {
            let tokens = try #require(told[algorithm.rawValue]?.objectValue)
            let issuer = try #require(tokens["issuer"]?.stringValue)
            let policy = try ValidationPolicy(
                issuer: issuer,
                audience: ["https://orders.example"],
                algorithms: [algorithm],
                acceptedTokens: .rfc9068
            )
            let keys = try RemoteKeys(discovering: issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
            let decided = try await Self.decide(policy, keys, tokens, requiring: .scopes("orders"))
            #expect(decided["access"]?.refusal == nil, "\(algorithm)")
            #expect(decided["access"]?.accessToken?.clientID == "web", "\(algorithm)")
            #expect(decided["id"]?.refusal?.code == .wrongType, "\(algorithm)")
            #expect(decided["credentials"]?.accessToken?.subject == "web", "\(algorithm)")
        }
        await fetcher.shutdown()
    }

    @Test("canaille: a code flow through its pages, the access token by discovery; its ID token is refused")
    func canaille() async throws {
        guard let python = await Python.with("canaille", "httpx", "joserfc") else { return }
        let folder = try TemporaryFolder()
        let port = try LoopbackProcess.freePort()
        let script = Self.script("canaille_tokens.py")
        try await Program.run(
            "/bin/sh",
            ["-c", "cd \(folder.url.path) && exec \(python) \(script) prepare \(port)"]
        )
        let settings = "CANAILLE_CONFIG=canaille.toml CANAILLE_DATABASE=sql"
        let program = URL(fileURLWithPath: python).deletingLastPathComponent().appendingPathComponent("canaille").path
        let process = try LoopbackProcess(
            "/bin/sh",
            ["-c", "\(settings) exec \(program) run --bind 127.0.0.1:\(port)"],
            in: folder.url,
            log: folder.url.appendingPathComponent("canaille.log")
        )
        defer { process.signal(SIGTERM) }
        try await process.untilListening(port)
        let tokens = try Self.read(try await Program.run(python, [script, "tokens", String(port)]))
        let issuer = try #require(tokens["issuer"]?.stringValue)
        let fetcher = try AsyncHTTPClientFetcher()
        func decisions(_ audience: String, _ accepted: AcceptedTokens) async throws -> [String: Decision] {
            let policy = try ValidationPolicy(
                issuer: issuer,
                audience: [audience],
                algorithms: [.rs256],
                acceptedTokens: accepted
            )
            let keys = try RemoteKeys(discovering: issuer, fetcher: fetcher, allowsLoopbackHTTP: true)
            return try await Self.decide(policy, keys, tokens)
        }
        let decided = try await decisions("web", .accessToken)
        #expect(decided["access"]?.accessToken?.subject == "alice")
        #expect(decided["id"]?.refusal?.code == .wrongType)
        #expect(try await decisions("https://orders.example", .accessToken)["access"]?.refusal?.code == .wrongAudience)
        // It sends typ JWT and neither jti nor client_id: no RFC 9068.
        #expect(try await decisions("web", .rfc9068)["access"]?.refusal?.code == .wrongType)
        await fetcher.shutdown()
        _ = await process.terminate()
    }

    @Test("Cognito as moto has it: the access token with its groups by the preset; its ID token is refused")
    func cognito() async throws {
        guard let python = await Python.with("moto", "flask", "boto3") else { return }
        let folder = try TemporaryFolder()
        let port = try LoopbackProcess.freePort()
        let program = URL(fileURLWithPath: python).deletingLastPathComponent()
            .appendingPathComponent("moto_server").path
        let process = try LoopbackProcess(
            program,
            ["-H", "127.0.0.1", "-p", String(port)],
            log: folder.url.appendingPathComponent("moto.log")
        )
        defer { process.kill() }
        try await process.untilListening(port)
        let tokens = try Self.read(try await Program.run(python, [Self.script("moto_tokens.py"), String(port)]))
        let (pool, client) = (try #require(tokens["pool"]?.stringValue), try #require(tokens["client"]?.stringValue))
        // Cognito has no metadata of its own here, and moto tells its services apart by the host that is asked for.
        var options = AsyncHTTPClientFetcher.Options()
        options.extraHeaders = [("Host", "cognito-idp.us-east-1.amazonaws.com")]
        let fetcher = try AsyncHTTPClientFetcher(options: options)
        func decisions(_ client: String) async throws -> [String: Decision] {
            let policy = try ValidationPolicy(
                issuer: "https://cognito-idp.us-east-1.amazonaws.com/\(pool)",
                audience: [client],
                algorithms: [.rs256],
                preset: .cognito
            )
            let keys = try RemoteKeys(
                jwksURL: "http://127.0.0.1:\(port)/\(pool)/.well-known/jwks.json",
                fetcher: fetcher,
                allowsLoopbackHTTP: true
            )
            return try await Self.decide(
                policy,
                keys,
                tokens,
                requiring: .scopes("aws.cognito.signin.user.admin")
            )
        }
        let decided = try await decisions(client)
        #expect(decided["access"]?.refusal == nil)
        #expect(decided["access"]?.accessToken?.roles == ["clerks"])
        #expect(decided["id"]?.refusal?.code == .wrongType)
        #expect(try await decisions("another")["access"]?.refusal?.code == .wrongAudience)
        await fetcher.shutdown()
    }
}
#endif
