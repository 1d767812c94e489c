// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad
import CRawOpenSSL
import Synchronization

/// One thing to count, by its name.
struct Case {
    static let names = ["first-sight.RS256", "first-sight.ES256", "hit", "refused.unknown-kid", "refused.malformed"]

    private let name: String
    /// Whether every repetition verifies one signature.
    let verifies: Bool
    private let load: Workload

    init(_ name: String) throws {
        let base = name.hasPrefix("raw.") ? "first-sight." + name.dropFirst(4) : name
        guard Self.names.contains(base) || base.hasPrefix("refused.") else { throw BenchmarkError("no case \(name)") }
        self.name = name
        verifies = base.hasPrefix("first-sight")
        // An RSA key takes long to make where every instruction is counted.
        load = try Workload(name.hasSuffix("RS256") ? .rs256 : .es256)
    }

    /// The raw verification to subtract; nil where there is none.
    var raw: String? { verifies ? "raw." + name.dropFirst("first-sight.".count) : nil }

    /// Does the work so often, and has only that counted.
    func run(_ repetitions: Int) throws {
        let work = try work()
        try immediately {
            try check(await work())
            raw_start_counting()
            for _ in 0..<repetitions { try check(await work()) }
            raw_stop_counting()
        }
    }

    func allocations() throws -> Allocations {
        let work = try work()
        return try immediately { try await Allocations { await work() } }
    }

    /// Runs what never suspends on this thread, without the runtime's others.
    private func immediately<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let outcome = Mutex<Result<Value, any Error>?>(nil)
        Task.immediate {
            do {
                let value = try await body()
                outcome.withLock { $0 = .success(value) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
        }
        guard let outcome = outcome.withLock({ $0 }) else { throw BenchmarkError("what is counted suspended") }
        return try outcome.get()
    }

    private func work() throws -> @Sendable () async -> Bool {
        let (issuer, requirement) = (load.issuer, load.requirement)
        switch name {
        case _ where name.hasPrefix("raw."):
            let raw = load.raw
            // RSA is verified in fewer instructions than OpenSSL's own way takes.
            let isRSA = name.hasSuffix("RS256")
            return { isRSA ? raw.verifyBare() : raw.verify() }
        case "refused.unknown-kid":
            let guarding = try load.makeGuard(cache: .off)
            let token = issuer.token(header: ["kid": "nobody"])
            return Self.deciding(guarding, token, requirement) { $0.refusal?.code == .unknownKey }
        case _ where name.hasPrefix("refused."):
            let kind = name == "refused.malformed" ? "objects-of-reals" : name.dropFirst("refused.".count)
            let hostile = HostileTokens.tokens(issuer).first { $0.name.replacing(" ", with: "-") == kind }
            guard let token = hostile?.token else { throw BenchmarkError("no hostile token") }
            let guarding = try load.makeGuard(cache: .off)
            return Self.deciding(guarding, token, requirement) { $0.refusal?.code == .malformed }
        default:
            let guarding = try load.makeGuard(cache: name == "hit" ? .standard : .off)
            return Self.deciding(guarding, load.token, requirement) { $0.accessToken != nil }
        }
    }

    private static func deciding(
        _ guarding: RequestGuard,
        _ token: String,
        _ requirement: Requirement,
        _ isRight: @escaping @Sendable (Decision) -> Bool
    ) -> @Sendable () async -> Bool {
        let credentials = RequestCredentials(authorization: "Bearer \(token)")
        return { isRight(await guarding.authorize(credentials, requiring: requirement)) }
    }
}
