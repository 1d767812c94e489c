// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardHummingbird
import Foundation
import Hummingbird
import Testing

/// README's first example, compiled: a test compares the two texts.
func readmeExample() async throws {
    // begin
    let keys = try RemoteKeys(discovering: "https://idp.example/", fetcher: AsyncHTTPClientFetcher())
    let policy = try ValidationPolicy(
        issuer: "https://idp.example/",
        audience: ["https://api.example"],
        algorithms: .recommended
    )
    let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: policy, keys: keys)], realm: "orders")

    let router = Router(context: BasicAccessTokenRequestContext.self)
    router.guarded(by: requestGuard, requiring: .scopes("orders:read"))
        .get("/orders") { _, context in "orders of \(context.accessToken?.subject ?? "")" }
    try await Application(router: router).runService()
    // end
}

@Suite("README")
struct ReadmeTests {
    @Test("The example that protects a route is code that compiles")
    func example() throws {
        let file = URL(fileURLWithPath: #filePath)
        let root = file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        let source = try String(contentsOf: file, encoding: .utf8)
        let compiled = source.split(separator: "\n")
            .drop { !$0.hasSuffix("// begin") }.dropFirst().prefix { !$0.hasSuffix("// end") }
            .map { $0.drop { $0 == " " } }
        let shown = try #require(readme.split(separator: "```swift\n").dropFirst().first?.split(separator: "```").first)
        let lines = shown.split(separator: "\n").filter { !$0.hasPrefix("import ") }.map { $0.drop { $0 == " " } }
        #expect(lines == Array(compiled))
        #expect(lines.count > 9)
    }
}
#endif
