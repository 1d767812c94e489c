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
        /// Whether it knows no key sets and no `typ` but JWT, and gets a PEM and a token of its own.
        let isPlain: Bool
    }

    static func figures(_ algorithms: [SignatureAlgorithm], _ rounds: Int, _ report: Report) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("peers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let peers = try peers(folder)
        for algorithm in algorithms {
            let load = try Workload(algorithm)
            func file(_ name: String, _ text: String) throws -> String {
                let file = folder.appendingPathComponent(name)
                try Data(text.utf8).write(to: file)
                return file.path
            }
            let usual = [try file("token", load.token), try file("keys", load.issuer.keySet)]
            let plainToken = Workload.token(load.issuer, number: 0, header: ["typ": "JWT"])
            let plain = [try file("plain-token", plainToken), try file("pem", load.key.publicPEM)]
            for peer in peers {
                let names = [load.issuer.issuer, load.issuer.audience, algorithm.rawValue, "300"]
                let arguments = peer.command + (peer.isPlain ? plain : usual) + names
                var ratios: [Double] = []
                var version = ""
                for _ in 0..<rounds {
                    let start = ContinuousClock.now
                    for _ in 0..<300 { try check(load.raw.verify()) }
                    let raw = (ContinuousClock.now - start) / .seconds(1) / 300
                    guard let told = try? Command(arguments).output()?.split(separator: " "), told.count == 2,
                        let seconds = Double(told[0])
                    else { break }
                    ratios.append(seconds / raw)
                    version = told[1].trimmingCharacters(in: .newlines)
                }
                guard ratios.count == rounds else {
                    Report.say("\(peer.name) is not installed, fails, or has no \(algorithm.rawValue)")
                    continue
                }
                try report.add(
                    Figure(
                        name: "\(peer.name).\(algorithm.rawValue)",
                        ratio: Ratio(sorted: ratios.sorted()),
                        meaning: "× one raw verification; \(version)"
                    )
                )
            }
        }
    }

    private static func peers(_ folder: URL) throws -> [Peer] {
        let sources = Repository.benchmarks + "/Peers"
        var peers = ["pyjwt", "joserfc"].map { name in
            Peer(name: name, command: ["/usr/bin/env", "python3", "\(sources)/\(name)_peer.py"], isPlain: false)
        }
        func program(_ name: String) -> String { folder.appendingPathComponent(name).path }
        /// Built where what it needs is installed.
        func add(_ name: String, _ program: String, isPlain: Bool = false, builtBy command: [String]) throws {
            guard try Command(["/usr/bin/env"] + command).output() != nil else {
                Report.say("\(name) is left out: not installed, or it could not be built")
                return
            }
            peers.append(Peer(name: name, command: [program], isPlain: isPlain))
        }
        let libjwt = program("libjwt")
        try add(
            "libjwt",
            libjwt,
            isPlain: true,
            builtBy: ["cc", "-O2", "\(sources)/libjwt_peer.c", "-o", libjwt, "-ljwt"]
        )
        let cjose = program("cjose")
        let libraries = ["-lcjose", "-ljansson"]
        try add("cjose", cjose, builtBy: ["cc", "-O2", "\(sources)/cjose_peer.c", "-o", cjose] + libraries)
        let go = program("golang-jwt")
        let settings = ["GO111MODULE=off", "GOPATH=/usr/share/gocode", "GOCACHE=\(program("go"))"]
        try add("golang-jwt", go, builtBy: settings + ["go", "build", "-o", go, "\(sources)/golang_jwt_peer.go"])
        // Cargo writes beside its manifest, so it gets a copy.
        let project = program("jsonwebtoken")
        try FileManager.default.copyItem(atPath: "\(sources)/jsonwebtoken", toPath: project)
        let registry = ["replace-with=\"debian\"", "debian.directory=\"/usr/share/cargo/registry\""]
        try add(
            "jsonwebtoken",
            "\(project)/target/release/jsonwebtoken_peer",
            builtBy: [
                "CARGO_HOME=\(program("cargo"))", "CARGO_TARGET_DIR=\(project)/target", "cargo", "build", "--release",
            ]
                + ["--offline", "--manifest-path", "\(project)/Cargo.toml"]
                + ["--config", "source.crates-io.\(registry[0])", "--config", "source.\(registry[1])"]
        )
        return peers
    }
}
