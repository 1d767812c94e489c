// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
import PackageDescription

// Apart from the other benchmarks, which need no server and build in a fraction of the time.
let package = Package(
    name: "BenchmarkServer",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "BearerGuard", path: "../..", traits: ["Hummingbird"]),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.15.0"),
    ],
    targets: [
        .executableTarget(
            name: "BenchmarkServer",
            dependencies: [
                .product(name: "BearerGuard", package: "BearerGuard"),
                .product(name: "BearerGuardHummingbird", package: "BearerGuard"),
                .product(name: "BearerGuardTesting", package: "BearerGuard"),
                .product(name: "Hummingbird", package: "hummingbird"),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
