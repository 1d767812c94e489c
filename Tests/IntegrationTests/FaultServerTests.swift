// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardTesting
import Foundation
import Testing

/// The real fetcher against a real server that does what providers do on their bad days.
@Suite("Faults of a real provider", .serialized)
struct FaultServerTests {
    private let issuer: TestIssuer
    private let events = RecordedEvents()

    init() throws { issuer = try TestIssuer() }

    /// What the server does and what it is called.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let failure: KeyRefreshFailure
        let answer: @Sendable (String) -> FaultServer.Answer
        /// With the one retry, where another attempt can help.
        var requests = 1

        var testDescription: String { name }

        init(
            _ name: String,
            _ failure: KeyRefreshFailure,
            requests: Int = 1,
            _ answer: @escaping @Sendable (String) -> FaultServer.Answer
        ) {
            self.name = name
            self.failure = failure
            self.answer = answer
            self.requests = requests
        }

        static func good(_ keySet: String) -> FetchResponse {
            FetchResponse(status: 200, fields: ["Content-Type": "application/json"], body: Array(keySet.utf8))
        }

        static let all = [
            Fault("reset", .connection, requests: 2) { _ in .reset },
            Fault("hang", .timeout) { _ in .hang },
            Fault("drip", .timeout) { .drip(good($0), milliseconds: 20) },
            Fault("500", .status, requests: 2) { _ in .status(500) },
            Fault("429 with Retry-After", .status) { _ in .status(429, fields: ["Retry-After": "7"]) },
            Fault("captive portal", .content) { _ in .captivePortal },
            Fault("truncated", .connection, requests: 2) { .truncate(good($0)) },
            Fault("length too short", .content) { .misstate(good($0), by: -10) },
            Fault("length too long", .connection, requests: 2) { .misstate(good($0), by: 10) },
            Fault("oversize", .tooLarge) { _ in .oversize(600_000) },
            Fault("redirect to http", .status, requests: 2) { _ in .redirect(to: "http://localhost/jwks") },
            Fault("redirect to a metadata service", .status, requests: 2) { _ in
                .redirect(to: "http://169.254.169.254/latest/meta-data")
            },
            Fault("empty set", .noUsableKey) { _ in .json(#"{"keys":[]}"#) },
            Fault("gzip", .content) { .json($0, fields: ["Content-Encoding": "gzip"]) },
            Fault("204", .status, requests: 2) { _ in .status(204) },
        ]
    }

    private func withKeys(
        _ server: FaultServer,
        options: AsyncHTTPClientFetcher.Options = .init(),
        _ body: (RemoteKeys) async throws -> Void
    ) async throws {
        try await AsyncHTTPClientFetcher.use(options) { fetcher in
            let keys = try RemoteKeys(
                jwksURL: server.url("/jwks"),
                fetcher: fetcher,
                allowsLoopbackHTTP: true,
                // Long enough for a busy machine to answer in, short of what a body that drips takes.
                policy: try RefreshPolicy(deadline: .seconds(3)),
                onRefresh: events.keyRefreshes
            )
            try await body(keys)
        }
        server.stop()
    }

    @Test("Each fault is told by its class, and what is at hand serves on", arguments: Fault.all)
    func fault(_ fault: Fault) async throws {
        let server = try FaultServer()
        server.script("/jwks", .json(issuer.keySet), fault.answer(issuer.keySet))
        try await withKeys(server) { keys in
            try await keys.refreshNow()
            try await keys.refreshNow()
            #expect(events.refreshes.map(\.failure) == [nil, fault.failure])
            #expect(keys.status().state == .fresh)
            #expect(server.count(of: "/jwks") == 1 + fault.requests)
            server.script("/jwks", .json(issuer.keySet))
            try await keys.refreshNow()
            #expect(keys.status().lastFailure == nil)
        }
    }

    @Test("A provider that refuses connections and comes back on the same port is found again")
    func refuse() async throws {
        let server = try FaultServer()
        server.script("/jwks", .json(issuer.keySet))
        server.refuse()
        try await withKeys(server) { keys in
            await #expect(throws: KeysUnavailable.self) { try await keys.refreshNow() }
            #expect(keys.status().lastFailure == .connection)
            try server.accept()
            try await keys.refreshNow()
            #expect(keys.status().state == .fresh)
        }
    }

    @Test("J15: over TLS a good certificate is taken, an expired one and one for another host are not")
    func certificates() async throws {
        let cases: [(TestCertificate.Flaw?, KeyRefreshFailure?)] = [(nil, nil), (.expired, .tls), (.wrongHost, .tls)]
        for (flaw, failure) in cases {
            let certificate = try TestCertificate(flaw)
            let server = try FaultServer(certificate: certificate)
            server.script("/jwks", .json(issuer.keySet))
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
            try Data(certificate.authorityPEM.utf8).write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            var options = AsyncHTTPClientFetcher.Options()
            options.trustRootsFile = file.path
            try await withKeys(server, options: options) { keys in
                try? await keys.refreshNow()
                #expect(keys.status().lastFailure == failure)
            }
            #expect(server.count(of: "/jwks") == (failure == nil ? 1 : 0))
        }
    }

    @Test("Odd sets: duplicate kids are ambiguous, another key under the same kid is taken and told")
    func oddSets() async throws {
        let server = try FaultServer()
        let twin = try SigningKey(.es256, keyID: "ES256-1")
        let own = try #require(issuer.signingKey()).jwk
        server.script(
            "/jwks",
            .json((["keys": [own, twin.jwk]] as JSONValue).text),
            .json((["keys": [twin.jwk]] as JSONValue).text)
        )
        try await withKeys(server) { keys in
            let trusted = try TrustedIssuer(policy: try issuer.policy(), keys: keys)
            let guarding = try RequestGuard(issuers: [trusted])
            func outcome(_ token: String) async -> RejectionCode? {
                await guarding.authorize(.init(authorization: "Bearer \(token)")).refusal?.code
            }
            #expect(await outcome(issuer.token()) == .ambiguousKey)
            try await keys.refreshNow()
            #expect(await outcome(issuer.token()) == .badSignature)
            #expect(await outcome(issuer.token(signedBy: twin)) == nil)
            #expect(events.refreshes.last?.alarms.map(\.kind) == [.keyReplaced])
        }
    }

    @Test(
        "A lying Cache-Control is held within its bounds",
        arguments: [("max-age=0", 48), ("max-age=99999999", 69_120)]
    )
    func lyingCacheControl(_ value: String, _ seconds: Int64) async throws {
        let server = try FaultServer()
        server.script("/jwks", .json(issuer.keySet, fields: ["Cache-Control": value]))
        try await withKeys(server) { keys in
            try await keys.refreshNow()
            let next = try #require(keys.status().nextRefresh)
            // 80 percent of the bound, give or take the jitter of a tenth.
            #expect(next > .seconds(seconds * 89 / 100) && next < .seconds(seconds * 111 / 100))
        }
    }

    @Test("A token file is sent, and read again when it changes")
    func tokenFile() async throws {
        let seen = SeenAuthorization()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        var options = AsyncHTTPClientFetcher.Options()
        options.bearerTokenFile = file.path
        try await seen.serve { address in
            try await AsyncHTTPClientFetcher.use(options) { fetcher in
                await #expect(throws: FetchError.failed) { try await fetcher.fetch(.get(address)) }
                try Data("first\n".utf8).write(to: file, options: .atomic)
                _ = try await fetcher.fetch(.get(address))
                try Data("second-one\n".utf8).write(to: file, options: .atomic)
                _ = try await fetcher.fetch(.get(address))
            }
        }
        #expect(seen.values == ["Bearer first", "Bearer second-one"])
    }

    @Test("A name that leads to a link-local address is refused when it is connected to, before a byte of HTTP")
    func linkLocal() async throws {
        guard try await LinkLocalAddress.isPossible() else {
            print("link-local addresses: skipped, this machine lets nobody add one to its loopback interface")
            return
        }
        try await LinkLocalAddress.use("169.254.77.77") { address in
            let server = try FaultServer(address: address)
            server.script("/jwks", .json(issuer.keySet))
            try await AsyncHTTPClientFetcher.use { fetcher in
                await #expect(throws: FetchError.forbiddenAddress) {
                    try await fetcher.fetch(.get("http://169.254.77.77:\(server.port)/jwks"))
                }
            }
            #expect(server.count(of: "/jwks") == 0)
            server.stop()
        }
    }
}
#endif
