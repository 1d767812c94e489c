// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BenchmarkLoad
import Foundation

/// Libraries in other languages, each in a process of its own that does the same work on the same token and says how long
/// one took; a raw verification takes its turn between them.
enum Peers {
    private struct Peer {
        let name: String
        /// What starts it, before the token, the keys and the rest.
        let command: [String]
        let takesPEM: Bool
    }

    static func figures(_ algorithms: [SignatureAlgorithm], _ rounds: Int) async throws -> [Figure] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let peers = try peers(folder)
        var figures: [Figure] = []
        for algorithm in algorithms {
            let load = try Workload(algorithm)
            let (token, keys, pem) = ("\(folder.path)/token", "\(folder.path)/keys", "\(folder.path)/pem")
            for (path, text) in [(token, load.token), (keys, load.issuer.keySet), (pem, load.key.publicPEM)] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            }
            for peer in peers {
                let names = [load.issuer.issuer, load.issuer.audience, algorithm.rawValue, "300"]
                let arguments = peer.command + [token, peer.takesPEM ? pem : keys] + names
                var ratios: [Double] = []
                for _ in 0..<min(rounds, 9) {
                    let start = ContinuousClock.now
                    for _ in 0..<300 { try check(load.raw.verify()) }
                    let raw = (ContinuousClock.now - start) / .seconds(1) / 300
                    guard let text = try output(of: arguments), let seconds = Double(text.prefix { $0 != " " }) else {
                        break
                    }
                    ratios.append(seconds / raw)
                }
                guard !ratios.isEmpty else {
                    print("  \(peer.name).\(algorithm.rawValue) is left out: not installed, or without the algorithm")
                    continue
                }
                figures.append(
                    Figure(
                        name: "\(peer.name).\(algorithm.rawValue)",
                        ratio: Ratio(sorted: ratios.sorted()),
                        meaning: "× one raw verification"
                    )
                )
            }
        }
        return figures
    }

    private static func peers(_ folder: URL) throws -> [Peer] {
        var peers = ["pyjwt", "joserfc"].map { name in
            Peer(name: name, command: ["/usr/bin/env", "python3", "Benchmarks/Peers/\(name)_peer.py"], takesPEM: false)
        }
        let program = folder.appendingPathComponent("libjwt").path
        let compile = ["/usr/bin/env", "cc", "-O2", "Benchmarks/Peers/libjwt_peer.c", "-o", program, "-ljwt"]
        if try output(of: compile) != nil { peers.append(Peer(name: "libjwt", command: [program], takesPEM: true)) }
        return peers
    }

    /// What a command prints; nil where it fails.
    private static func output(of command: [String]) throws -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? text : nil
    }
}
