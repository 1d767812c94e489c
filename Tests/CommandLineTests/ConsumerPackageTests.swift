// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Foundation
import Testing

/// A package outside of this one that uses the library alone.
@Suite("Consumers with no traits")
struct ConsumerPackageTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test("They resolve no package; with the library alone a program links no Foundation and no C library but the two")
    func linkage() throws {
        guard ProcessInfo.processInfo.environment["BEARERGUARD_RELEASE_PROGRAM"] != nil else {
            print("consumer: skipped outside of Tests/run.sh, as it builds a package of its own")
            return
        }
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("Sources/consumer"),
            withIntermediateDirectories: true
        )
        try FileManager.default.createDirectory(
            atPath: folder.path("Sources/minting"),
            withIntermediateDirectories: true
        )
        // The identity of a path dependency is the name of its folder, which may be anything.
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("BearerGuard"),
            withDestinationPath: Self.root.path
        )
        try folder.write(
            """
            // swift-tools-version: 6.2
            import PackageDescription
            let package = Package(
                name: "consumer",
                dependencies: [.package(name: "BearerGuard", path: "BearerGuard", traits: [])],
                targets: [
                    .executableTarget(
                        name: "consumer",
                        dependencies: [.product(name: "BearerGuard", package: "BearerGuard")]
                    ),
                    .executableTarget(
                        name: "minting",
                        dependencies: [.product(name: "BearerGuardTesting", package: "BearerGuard")]
                    ),
                ]
            )
            """,
            to: "Package.swift"
        )
        try folder.write(
            """
            import BearerGuard

            let policy = try ValidationPolicy(issuer: "https://i.test", audience: ["a"], algorithms: .recommended)
            print(policy.issuer, RejectionCode.allCases.count)
            """,
            to: "Sources/consumer/main.swift"
        )
        try folder.write(
            """
            import BearerGuardTesting

            print(try TestIssuer().token(scopes: ["read"]).split(separator: ".").count)
            """,
            to: "Sources/minting/main.swift"
        )
        let env = URL(fileURLWithPath: "/usr/bin/env")
        let build = try Program.run(["swift", "build", "--package-path", folder.url.path], program: env)
        #expect(build.status == 0, "\(build.output.suffix(2000)) \(build.errors.suffix(2000))")
        let resolved = folder.path("Package.resolved")
        if FileManager.default.fileExists(atPath: resolved) {
            let pins =
                try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: resolved)))
                as? [String: Any]
            #expect((pins?["pins"] as? [Any])?.isEmpty == true)
        }
        let checkouts = try? FileManager.default.contentsOfDirectory(atPath: folder.path(".build/checkouts"))
        #expect(checkouts ?? [] == [])
        let program = folder.path(".build/debug/consumer")
        let libraries = try Program.run(["ldd", program], program: env).output
        #expect(!libraries.contains("Foundation"))
        #expect(libraries.contains("libcrypto"))
        #expect(libraries.contains("libjansson"))
        #expect(!libraries.contains("libssl"))
        let symbols = try Program.run(["nm", "-D", program], program: env).output
        #expect(!symbols.contains("Foundation"))
        // The regular expressions of the standard library, which its search for texts is part of: 0.9 MB where it is static.
        #expect(!symbols.contains("_StringProcessing"))
        #expect(try Program.run([], program: URL(fileURLWithPath: program)).output == "https://i.test 31\n")
        let minting = folder.path(".build/debug/minting")
        #expect(try Program.run([], program: URL(fileURLWithPath: minting)).output == "3\n")
        #expect(try !Program.run(["nm", "-D", minting], program: env).output.contains("NIO"))
        print("consumer: 0 packages resolved, no Foundation among \(libraries.split(separator: "\n").count) libraries")
    }
}
