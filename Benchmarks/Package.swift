// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
import PackageDescription

/// What is measured, and what makes its tokens.
let library: [Target.Dependency] = [
    .product(name: "BearerGuard", package: "BearerGuard"),
    .product(name: "BearerGuardTesting", package: "BearerGuard"),
]

// A package of its own, so that the library's manifest stays clean of what only measuring needs.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "bearerguard-bench", targets: ["BearerGuardBench"]),
        .executable(name: "bearerguard-counts", targets: ["BearerGuardCounts"]),
        .executable(name: "bearerguard-captures", targets: ["BearerGuardCaptures"]),
    ],
    dependencies: [
        .package(name: "BearerGuard", path: "..", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.0.0"),
    ],
    targets: [
        .target(name: "CRawOpenSSL", linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("jansson")]),
        .target(
            name: "BenchmarkLoad",
            dependencies: library + ["CRawOpenSSL"]
        ),
        // Apart from the peers, so that counting builds in a minute.
        .executableTarget(
            name: "BearerGuardCounts",
            dependencies: library + ["BenchmarkLoad", "CRawOpenSSL"]
        ),
        .executableTarget(name: "BearerGuardCaptures", dependencies: library + ["BenchmarkLoad"]),
        .executableTarget(
            name: "BearerGuardBench",
            dependencies: library + [
                "BenchmarkLoad", "CRawOpenSSL",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "JWTKit", package: "jwt-kit"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
