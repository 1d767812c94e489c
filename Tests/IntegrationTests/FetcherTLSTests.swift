// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import Foundation
import Testing

@Suite(
    "TLS of the async-http-client fetcher with a real openssl server",
    .enabled(if: OpenSSLServer.isInstalled, "skipped: no /usr/bin/openssl"),
    .serialized
)
struct FetcherTLSTests {
    private func options(trusting file: String) -> AsyncHTTPClientFetcher.Options {
        var options = AsyncHTTPClientFetcher.Options()
        options.trustRootsFile = file
        return options
    }

    @Test("A certificate of a CA that the options name is trusted")
    func trustedAuthority() async throws {
        try await OpenSSLServer.serve(certificateFor: "localhost") { port, trustRoots in
            try await AsyncHTTPClientFetcher.use(options(trusting: trustRoots)) { fetcher in
                let response = try await fetcher.fetch(.get("https://localhost:\(port)/", maximumBytes: 1 << 16))
                #expect(response.status == 200)
                #expect(response.body.isEmpty == false)
            }
        }
    }

    @Test("J15: a certificate of a CA that nobody named is refused")
    func unknownAuthority() async throws {
        try await OpenSSLServer.serve(certificateFor: "localhost") { port, _ in
            try await AsyncHTTPClientFetcher.use { fetcher in
                await #expect(throws: FetchError.tls) { try await fetcher.fetch(.get("https://localhost:\(port)/")) }
            }
        }
    }

    @Test("A certificate of another CA of the same name is refused")
    func otherAuthority() async throws {
        try await OpenSSLServer.serve(certificateFor: "localhost") { _, otherTrustRoots in
            try await OpenSSLServer.serve(certificateFor: "localhost") { port, _ in
                try await AsyncHTTPClientFetcher.use(options(trusting: otherTrustRoots)) { fetcher in
                    await #expect(throws: FetchError.tls) {
                        try await fetcher.fetch(.get("https://localhost:\(port)/"))
                    }
                }
            }
        }
    }

    @Test("J15: a trusted certificate for another host name is refused")
    func wrongHost() async throws {
        try await OpenSSLServer.serve(certificateFor: "elsewhere.test") { port, trustRoots in
            try await AsyncHTTPClientFetcher.use(options(trusting: trustRoots)) { fetcher in
                await #expect(throws: FetchError.tls) { try await fetcher.fetch(.get("https://localhost:\(port)/")) }
            }
        }
    }

    @Test("A trusted certificate for a name is not one for the address behind it")
    func addressForName() async throws {
        try await OpenSSLServer.serve(certificateFor: "localhost") { port, trustRoots in
            try await AsyncHTTPClientFetcher.use(options(trusting: trustRoots)) { fetcher in
                await #expect(throws: FetchError.tls) { try await fetcher.fetch(.get("https://127.0.0.1:\(port)/")) }
            }
        }
    }

    @Test("A server that speaks nothing newer than TLS 1.1 is refused")
    func oldVersion() async throws {
        let old = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]
        try await OpenSSLServer.serve(certificateFor: "localhost", options: old) { port, trustRoots in
            try await AsyncHTTPClientFetcher.use(options(trusting: trustRoots)) { fetcher in
                await #expect(throws: FetchError.tls) { try await fetcher.fetch(.get("https://localhost:\(port)/")) }
            }
        }
    }

    @Test("A file of trust roots that is not there is a mistake in configuration")
    func missingFile() {
        let file = "/nonexistent/roots.pem"
        #expect(throws: ConfigurationError("\(file): no certificates in PEM")) {
            try AsyncHTTPClientFetcher(options: options(trusting: file))
        }
    }

    @Test("A file of trust roots without a certificate is a mistake in configuration", arguments: ["", "not PEM\n"])
    func fileWithoutCertificate(text: String) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString).pem")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(throws: ConfigurationError("\(file.path): no certificates in PEM")) {
            try AsyncHTTPClientFetcher(options: options(trusting: file.path))
        }
    }
}
#endif
