// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
import PackageDescription

// A package of its own, so that the library's manifest stays clean of what only measuring needs.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "BearerGuard", path: "..", traits: [])],
    targets: [
        .systemLibrary(name: "CBenchmarkOpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .executableTarget(
            name: "FirstSight",
            dependencies: [
                "CBenchmarkOpenSSL",
                .product(name: "BearerGuard", package: "BearerGuard"),
                .product(name: "BearerGuardTesting", package: "BearerGuard"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
