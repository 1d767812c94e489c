// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import ArgumentParser
import BearerGuard

/// Prints how far validation is from the limit that OpenSSL sets, as ratios of interleaved rounds.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bearerguard-bench",
        abstract: "Prints what validation takes as ratios to one raw verification by OpenSSL.",
        discussion: """
            Ratios are medians over rounds, in which all pieces of work take turns; in brackets the smallest \
            and the largest. Times of a shared machine mean nothing by themselves and are not printed.

            EXIT STATUS
              0 everything was measured
              1 some could not be
              64 usage
            """
    )

    enum Case: String, CaseIterable, ExpressibleByArgument {
        case firstSight = "first-sight"
        case hit, threads, allocations, refusal
        case jwtKit = "jwt-kit"
        case scaling
    }

    enum Algorithm: String, CaseIterable, ExpressibleByArgument {
        case rs256 = "RS256"
        case es256 = "ES256"
        case edDSA = "EdDSA"
        case ps256 = "PS256"
    }

    @Argument(help: "What to measure; without any, all but scaling.")
    var cases: [Case] = []

    @Flag(
        help: """
            Other libraries too: what is installed of PyJWT and joserfc (PyPI) and of Debian's libjwt-dev, libcjose-dev, \
            golang-github-golang-jwt-jwt-dev with golang-go, librust-jsonwebtoken-dev with cargo.
            """
    )
    var peers = false

    @Option(help: "Rounds of each case. (default: 101; 15 of what takes long, 9 of peers)")
    var rounds: Int?

    @Option(help: "Of first-sight, hit, jwt-kit and peers the algorithms to measure; without any, all.")
    var algorithm: [Algorithm] = []

    @Flag(help: "One JSON object for programs.")
    var json = false

    func validate() throws {
        if let rounds, rounds < 1 { throw ValidationError("--rounds is a number from 1 on") }
    }

    func run() async throws {
        let report = Report(isJSON: json)
        try report.begin()
        var isWhole = true
        func attempt(_ name: String, _ work: () async throws -> Void) async throws {
            do {
                try await work()
            } catch let error as WriteError {
                throw error
            } catch {
                // What was measured is not lost for what could not be.
                Report.say("\(name): \(error)")
                isWhole = false
            }
        }
        for each in Case.allCases where cases.isEmpty ? each != .scaling : cases.contains(each) {
            try await attempt(each.rawValue) { try await measure(each, report) }
        }
        if peers {
            try await attempt("peers") { try await Peers.figures(algorithms, rounds ?? 9, report) }
        }
        try report.end()
        if !isWhole { throw ExitCode(1) }
    }

    private var algorithms: [SignatureAlgorithm] {
        (algorithm.isEmpty ? Algorithm.allCases : algorithm).compactMap { SignatureAlgorithm(rawValue: $0.rawValue) }
    }

    private func measure(_ each: Case, _ report: Report) async throws {
        let many = rounds ?? 101
        // These take long.
        let few = rounds ?? 15
        switch each {
        case .firstSight: try await Cases.firstSight(algorithms, many, report)
        case .hit: try await Cases.hit(algorithms, many, report)
        case .threads: try await Cases.threads(few, report)
        case .allocations: try await Cases.allocations(report)
        case .refusal:
            try await Refusals.malformed(few, report)
            try await Refusals.others(many, report)
        case .jwtKit: try await Cases.jwtKit(algorithms, many, report)
        case .scaling: try await Scaling.all(many, remembered: few, report)
        }
    }
}
