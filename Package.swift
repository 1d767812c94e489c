// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors
import PackageDescription

/// Adapters are separate modules, and what only an adapter needs is resolved only when its trait is on.
func whenTrait(_ trait: String) -> TargetDependencyCondition? { .when(traits: [trait]) }

let package = Package(
    name: "BearerGuard",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "BearerGuard", targets: ["BearerGuard"]),
        .library(name: "BearerGuardTesting", targets: ["BearerGuardTesting"]),
        .library(name: "BearerGuardAudit", targets: ["BearerGuardAudit"]),
        .library(name: "BearerGuardAsyncHTTPClient", targets: ["BearerGuardAsyncHTTPClient"]),
        .library(name: "BearerGuardHTTPTypes", targets: ["BearerGuardHTTPTypes"]),
        .library(name: "BearerGuardObservability", targets: ["BearerGuardObservability"]),
        .library(name: "BearerGuardYAML", targets: ["BearerGuardYAML"]),
        .library(name: "BearerGuardHummingbird", targets: ["BearerGuardHummingbird"]),
        .library(name: "BearerGuardFlyingFox", targets: ["BearerGuardFlyingFox"]),
        .library(name: "BearerGuardGRPC", targets: ["BearerGuardGRPC"]),
        .library(name: "BearerGuardC", type: .dynamic, targets: ["BearerGuardCInterface"]),
        .executable(name: "bearerguard", targets: ["BearerGuardCommandLine"]),
    ],
    traits: [
        .trait(name: "AsyncHTTPClient", description: "Fetches keys and metadata with async-http-client"),
        .trait(name: "HTTPTypes", description: "Credentials from and challenges to swift-http-types fields"),
        .trait(name: "Observability", description: "Events to swift-log, swift-metrics and swift-distributed-tracing"),
        .trait(name: "YAML", description: "Policy documents in YAML"),
        .trait(
            name: "Hummingbird",
            description: "Hummingbird middleware",
            enabledTraits: ["HTTPTypes", "AsyncHTTPClient"]
        ),
        .trait(name: "FlyingFox", description: "Handler for FlyingFox servers"),
        .trait(name: "GRPC", description: "Server interceptor for grpc-swift 2"),
        .trait(
            name: "LocalAuthorizationServer",
            description: "An OpenID Connect provider on loopback in BearerGuardTesting, for tests and development"
        ),
        .trait(name: "CInterface", description: "The library for C programs, libBearerGuardC"),
        .trait(
            name: "CommandLine",
            description: "The bearerguard program: audit, inspect, keys",
            enabledTraits: ["YAML"]
        ),
        .trait(
            name: "Gateway",
            description: "The bearerguard program with everything that listens or fetches",
            enabledTraits: ["CommandLine", "Hummingbird", "Observability", "LocalAuthorizationServer"]
        ),
        .default(enabledTraits: ["CommandLine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.36.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.15.0"),
        .package(url: "https://github.com/jpsim/Yams", "5.0.1"..<"7.0.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.25.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", "0.26.0"..<"0.28.0"),
    ],
    targets: [
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"]), .yum(["openssl-devel"])]
        ),
        .systemLibrary(
            name: "CJansson",
            pkgConfig: "jansson",
            providers: [.apt(["libjansson-dev"]), .brew(["jansson"]), .yum(["jansson-devel"])]
        ),
        .target(name: "BearerGuard", dependencies: ["COpenSSL", "CJansson"], exclude: ["LocalSymbols.map"]),
        .target(
            name: "BearerGuardTesting",
            dependencies: [
                "BearerGuard", "COpenSSL",
                .product(
                    name: "Hummingbird",
                    package: "hummingbird",
                    condition: whenTrait("LocalAuthorizationServer")
                ),
                .product(
                    name: "HummingbirdCore",
                    package: "hummingbird",
                    condition: whenTrait("LocalAuthorizationServer")
                ),
                .product(
                    name: "HTTPTypes",
                    package: "swift-http-types",
                    condition: whenTrait("LocalAuthorizationServer")
                ),
                .product(name: "Logging", package: "swift-log", condition: whenTrait("LocalAuthorizationServer")),
                .product(name: "NIOCore", package: "swift-nio", condition: whenTrait("LocalAuthorizationServer")),
            ],
            // For the TLS of the fault server; the library itself needs libcrypto alone.
            linkerSettings: [.linkedLibrary("ssl")]
        ),
        .target(name: "BearerGuardAudit", dependencies: ["BearerGuard"]),
        .target(
            name: "BearerGuardAsyncHTTPClient",
            dependencies: [
                "BearerGuard",
                .product(
                    name: "AsyncHTTPClient",
                    package: "async-http-client",
                    condition: whenTrait("AsyncHTTPClient")
                ),
                .product(name: "NIOCore", package: "swift-nio", condition: whenTrait("AsyncHTTPClient")),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: whenTrait("AsyncHTTPClient")),
                .product(name: "NIOPosix", package: "swift-nio", condition: whenTrait("AsyncHTTPClient")),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: whenTrait("AsyncHTTPClient")),
            ]
        ),
        .target(
            name: "BearerGuardHTTPTypes",
            dependencies: [
                "BearerGuard",
                .product(name: "HTTPTypes", package: "swift-http-types", condition: whenTrait("HTTPTypes")),
            ]
        ),
        .target(
            name: "BearerGuardObservability",
            dependencies: [
                "BearerGuard",
                .product(name: "Logging", package: "swift-log", condition: whenTrait("Observability")),
                .product(name: "Metrics", package: "swift-metrics", condition: whenTrait("Observability")),
                .product(
                    name: "Tracing",
                    package: "swift-distributed-tracing",
                    condition: whenTrait("Observability")
                ),
            ]
        ),
        .target(
            name: "BearerGuardYAML",
            dependencies: [
                "BearerGuard",
                .product(name: "Yams", package: "Yams", condition: whenTrait("YAML")),
            ]
        ),
        .target(
            name: "BearerGuardHummingbird",
            dependencies: [
                "BearerGuard", "BearerGuardHTTPTypes",
                .product(name: "Hummingbird", package: "hummingbird", condition: whenTrait("Hummingbird")),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: whenTrait("Hummingbird")),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: whenTrait("Hummingbird")
                ),
            ]
        ),
        .target(
            name: "BearerGuardFlyingFox",
            dependencies: [
                "BearerGuard",
                .product(name: "FlyingFox", package: "FlyingFox", condition: whenTrait("FlyingFox")),
            ]
        ),
        .target(
            name: "BearerGuardGRPC",
            dependencies: [
                "BearerGuard",
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: whenTrait("GRPC")),
            ]
        ),
        .target(name: "CBearerGuard"),
        .target(name: "BearerGuardCInterface", dependencies: ["BearerGuard", "CBearerGuard"]),
        .target(
            name: "BearerGuardGateway",
            dependencies: [
                "BearerGuard", "BearerGuardTesting", "BearerGuardHummingbird", "BearerGuardAsyncHTTPClient",
                .product(name: "Hummingbird", package: "hummingbird", condition: whenTrait("Gateway")),
                .product(name: "HummingbirdCore", package: "hummingbird", condition: whenTrait("Gateway")),
                .product(name: "HummingbirdHTTP2", package: "hummingbird", condition: whenTrait("Gateway")),
                .product(name: "HummingbirdTLS", package: "hummingbird", condition: whenTrait("Gateway")),
                .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: whenTrait("Gateway")),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: whenTrait("Gateway")),
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: whenTrait("Gateway")),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: whenTrait("Gateway")),
                .product(name: "Logging", package: "swift-log", condition: whenTrait("Gateway")),
                .product(name: "NIOCore", package: "swift-nio", condition: whenTrait("Gateway")),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: whenTrait("Gateway")),
                .product(name: "NIOPosix", package: "swift-nio", condition: whenTrait("Gateway")),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: whenTrait("Gateway")),
                .product(name: "UnixSignals", package: "swift-service-lifecycle", condition: whenTrait("Gateway")),
            ],
            exclude: ["Envoy/authorization.proto"]
        ),
        .executableTarget(
            // Not named `bearerguard`: on a file system that folds case its folder and module
            // would be those of the library.
            name: "BearerGuardCommandLine",
            dependencies: [
                "BearerGuard", "BearerGuardAudit", "BearerGuardYAML", "BearerGuardAsyncHTTPClient",
                "BearerGuardGateway", "BearerGuardTesting",
                .product(
                    name: "ArgumentParser",
                    package: "swift-argument-parser",
                    condition: whenTrait("CommandLine")
                ),
            ]
        ),
        .testTarget(name: "BearerGuardTests", dependencies: ["BearerGuard", "BearerGuardTesting", "COpenSSL"]),
        .testTarget(name: "ConformanceTests", dependencies: ["BearerGuard", "BearerGuardTesting"]),
        .testTarget(name: "AuditTests", dependencies: ["BearerGuard", "BearerGuardAudit", "BearerGuardTesting"]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "BearerGuard", "BearerGuardAudit", "BearerGuardCommandLine", "BearerGuardTesting", "BearerGuardYAML",
            ]
        ),
        .testTarget(
            name: "AdapterTests",
            dependencies: [
                "BearerGuard", "BearerGuardHTTPTypes", "BearerGuardObservability", "BearerGuardGRPC",
                "BearerGuardTesting",
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: whenTrait("GRPC")),
                .product(name: "GRPCInProcessTransport", package: "grpc-swift-2", condition: whenTrait("GRPC")),
                .product(name: "HTTPTypes", package: "swift-http-types", condition: whenTrait("HTTPTypes")),
                .product(name: "Logging", package: "swift-log", condition: whenTrait("Observability")),
                .product(name: "Metrics", package: "swift-metrics", condition: whenTrait("Observability")),
                .product(
                    name: "Tracing",
                    package: "swift-distributed-tracing",
                    condition: whenTrait("Observability")
                ),
            ]
        ),
        .testTarget(name: "AuthorizationServerTests", dependencies: ["BearerGuard", "BearerGuardTesting"]),
        .testTarget(
            name: "GatewayServiceTests",
            dependencies: ["BearerGuard", "BearerGuardGateway", "BearerGuardTesting", "BearerGuardYAML"]
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "BearerGuard", "BearerGuardHummingbird", "BearerGuardFlyingFox", "BearerGuardAsyncHTTPClient",
                "BearerGuardGateway", "BearerGuardTesting",
                .product(name: "AsyncHTTPClient", package: "async-http-client", condition: whenTrait("Gateway")),
                .product(name: "NIOCore", package: "swift-nio", condition: whenTrait("Gateway")),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: whenTrait("Gateway")),
                .product(name: "NIOPosix", package: "swift-nio", condition: whenTrait("Gateway")),
                .product(name: "FlyingFox", package: "FlyingFox", condition: whenTrait("FlyingFox")),
                .product(name: "FlyingSocks", package: "FlyingFox", condition: whenTrait("FlyingFox")),
                .product(name: "Hummingbird", package: "hummingbird", condition: whenTrait("Gateway")),
                .product(name: "HummingbirdTesting", package: "hummingbird", condition: whenTrait("Gateway")),
                .product(name: "Logging", package: "swift-log", condition: whenTrait("Gateway")),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: whenTrait("Gateway")),
            ],
            exclude: [
                "Issuers/oauth_client.py", "Issuers/glewlwyd_tokens.py", "Issuers/canaille_tokens.py",
                "Issuers/moto_tokens.py",
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)

// A newer compiler may know new warnings: they fail our own builds, never a user's.
let warningsAreErrors = Context.environment["BEARERGUARD_WARNINGS_AS_ERRORS"] == "1"

// A dynamic library of Swift through which others use the core, or extensions of its types, needs its symbols; and a linker
// takes no second version script beside one with names.
let exportsSymbols = Context.environment["BEARERGUARD_EXPORTS_SYMBOLS"] == "1"

for target in package.targets where target.type != .system {
    var settings: [SwiftSetting] = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .strictMemorySafety(),
    ]
    if warningsAreErrors { settings.append(.treatAllWarnings(as: .error)) }
    if target.name == "BearerGuard" {
        // Most of it runs once, or seldom: what runs for every token says so by @_optimize(speed).
        settings.append(.unsafeFlags(["-Osize", "-Xfrontend", "-function-sections"], .when(configuration: .release)))
        // A static standard library has the linker export every public symbol of a program, and keep what is behind it.
        let script = "\(Context.packageDirectory)/Sources/BearerGuard/LocalSymbols.map"
        target.linkerSettings = [
            .unsafeFlags(
                exportsSymbols ? [] : ["-Xlinker", "--version-script=\(script)"],
                .when(platforms: [.linux], configuration: .release)
            )
        ]
    }
    target.swiftSettings = settings
}
