// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation

/// Prints how far validation is from the limit that OpenSSL sets, as ratios of interleaved rounds.
@main
enum Main {
    private static let usage = """
        USAGE: bearerguard-bench [first-sight] [hit] [threads] [allocations] [refusal] [jwt-kit] [scaling]
               [--peers] [--rounds N] [--algorithm NAME] [--json]

        Without a case all but scaling are run. Ratios are medians over the rounds, in which all pieces take turns; in brackets the
        smallest and the largest. Times of a shared machine mean nothing by themselves and are not printed.
        --peers, from the root of the repository, adds what is installed of PyJWT and joserfc (PyPI) and of Debian's libjwt-dev,
        libcjose-dev, golang-github-golang-jwt-jwt-dev with golang-go, and librust-jsonwebtoken-dev with cargo.
        """

    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") || arguments.contains("-h") { return print(usage) }
        let isJSON = arguments.contains("--json")
        arguments.removeAll { $0 == "--json" }
        let hasPeers = arguments.contains("--peers")
        arguments.removeAll { $0 == "--peers" }
        var rounds = 101
        if let flag = arguments.firstIndex(of: "--rounds") {
            guard flag + 1 < arguments.count, let count = Int(arguments[flag + 1]), count > 0 else { return fail() }
            rounds = count
            arguments.removeSubrange(flag...(flag + 1))
        }
        var algorithms: [SignatureAlgorithm] = [.rs256, .es256, .edDSA, .ps256]
        if let flag = arguments.firstIndex(of: "--algorithm") {
            guard flag + 1 < arguments.count,
                let algorithm = algorithms.first(where: { $0.rawValue == arguments[flag + 1] })
            else { return fail() }
            algorithms = [algorithm]
            arguments.removeSubrange(flag...(flag + 1))
        }
        let chosen = algorithms
        let cases: [(name: String, run: () async throws -> [Figure])] = [
            ("first-sight", { try await Cases.firstSight(chosen, rounds) }),
            ("hit", { try await Cases.hit(chosen, rounds) }),
            ("threads", { try await Cases.threads(min(rounds, 15)) }), ("allocations", Cases.allocations),
            ("refusal", { try await Refusals.malformed(min(rounds, 15)) + Refusals.others(rounds) }),
            ("jwt-kit", { try await Cases.jwtKit(chosen, rounds) }), ("scaling", { try await Scaling.all(rounds) }),
            ("peers", { try await Peers.figures(chosen, rounds) }),
        ]
        guard arguments.allSatisfy({ name in cases.contains { $0.name == name } }) else { return fail() }
        if !isJSON { print("\(processor), median (minimum–maximum) of \(rounds) rounds") }
        var figures: [Figure] = []
        for each in cases
        where arguments.contains(each.name) || arguments.isEmpty && !["scaling", "peers"].contains(each.name)
            || hasPeers && each.name == "peers"
        {
            let measured: [Figure]
            do {
                measured = try await each.run()
            } catch {
                print("\(each.name): \(error)")
                exit(1)
            }
            figures += measured
            if !isJSON { for figure in measured { print(figure.text) } }
        }
        if isJSON { print((["cases": .array(figures.map(\.json))] as JSONValue).text) }
    }

    private static func fail() {
        print(usage)
        exit(2)
    }

    /// The processor as Linux names it.
    private static var processor: String {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
            return "unknown processor"
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line.flatMap { $0.split(separator: ":").last }.map { String($0.drop { $0 == " " }) }
            ?? "unknown processor"
    }
}
