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

@Suite("Examples of the documents")
struct ReadmeTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The lines between the marks of a source file, without their indentation.
    private static func marked(_ file: String) throws -> [Substring] {
        let source = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
        return source.split(separator: "\n")
            .drop { !$0.hasSuffix("// begin") }.dropFirst().prefix { !$0.hasSuffix("// end") }
            .map { $0.drop { $0 == " " } }
    }

    /// The lines of the nth example of a document.
    private static func shown(_ file: String, _ number: Int) throws -> [Substring] {
        let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
        let example = text.split(separator: "```swift\n").dropFirst(number).first?.split(separator: "```").first
        return try #require(example).split(separator: "\n").map { $0.drop { $0 == " " } }
    }

    @Test("The example that protects a route is code that compiles")
    func example() throws {
        let lines = try Self.shown("README.md", 1).filter { !$0.hasPrefix("import ") }
        #expect(lines == (try Self.marked("Tests/IntegrationTests/ReadmeExample.swift")))
        #expect(lines.count > 9)
    }

    @Test("The guide's tests of protected routes are tests that run here")
    func guide() throws {
        let guide = "Sources/BearerGuard/BearerGuard.docc/Guides/TestYourProtectedRoutes.md"
        let lines = try Self.shown(guide, 2)
        #expect(lines == (try Self.marked("Tests/IntegrationTests/ProtectedRouteExample.swift")))
        #expect(lines.count > 50)
        #expect(try Self.shown(guide, 10) == Self.marked("Tests/IntegrationTests/SignInExample.swift"))
    }
}
#endif
