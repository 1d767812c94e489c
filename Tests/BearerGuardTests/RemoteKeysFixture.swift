// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// One issuer over a scripted network, a guard that trusts it, and clocks that stand still.
struct RemoteKeysFixture {
    static let jwksURL = "https://issuer.test/jwks"
    static let metadataURL = "https://issuer.test/.well-known/openid-configuration"

    let issuer: TestIssuer
    let fetcher = ScriptedFetcher()
    let clock = ManualClock(seconds: GuardFixture.now)
    let events = RecordedEvents()

    init() throws {
        issuer = try TestIssuer(clock: .fixed(UnixTime(seconds: GuardFixture.now)))
    }

    func makeKeys(
        policy: RefreshPolicy = .standard,
        fetcher: (any HTTPFetcher)? = nil,
        keyFile: String? = nil
    ) throws -> RemoteKeys {
        try RemoteKeys(
            jwksURL: Self.jwksURL,
            fetcher: fetcher ?? self.fetcher,
            policy: policy.jittered { 0 },
            keyFile: keyFile,
            clock: clock.withoutPauses,
            wallClock: clock.wall,
            onRefresh: events.keyRefreshes,
            alias: "fixture"
        )
    }

    func makeDiscoveringKeys() throws -> RemoteKeys {
        try RemoteKeys(
            discovering: issuer.issuer,
            fetcher: fetcher,
            policy: RefreshPolicy.standard.jittered { 0 },
            clock: clock.withoutPauses,
            wallClock: clock.wall,
            onRefresh: events.keyRefreshes,
            alias: "fixture"
        )
    }

    func makeGuard(_ keys: any KeySource) throws -> RequestGuard {
        let trusted = try TrustedIssuer(policy: issuer.policy(), keys: keys, alias: "fixture")
        return try RequestGuard(
            issuers: [trusted],
            clock: .fixed(UnixTime(seconds: GuardFixture.now)),
            observer: events
        )
    }

    func publish(fields: [String: String] = [:]) {
        fetcher.script(Self.jwksURL, .json(issuer.keySet, fields: fields))
    }
}

extension RequestGuard {
    /// `authorized`, `authorized by stale keys`, `anonymous`, or the code of the refusal.
    func outcome(_ token: String, requiring requirement: Requirement = .authenticated) async -> String {
        switch await authorize(RequestCredentials(authorization: "Bearer \(token)"), requiring: requirement) {
        case .authorized(let token): token.usesStaleKeys ? "authorized by stale keys" : "authorized"
        case .anonymous: "anonymous"
        case .refused(let refusal): refusal.code.text
        }
    }
}

/// A folder of its own for one test, gone with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func read(_ name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
    }

    var names: [String] { Self.names(of: path) }

    static func names(of path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}
