// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Dispatch
import Foundation
import Synchronization

/// Makes captures for `audit.sh`: one of distinct tokens, and one in which nine of ten lines repeat a token.
@main
enum Main {
    private static let usage = "USAGE: bearerguard-captures FOLDER LINES"

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 2, let lines = Int(arguments[1]), lines > 0 else {
            print(usage)
            exit(arguments == ["--help"] ? 0 : 2)
        }
        let folder = URL(fileURLWithPath: arguments[0], isDirectory: true)
        do {
            let issuer = try TestIssuer(algorithms: [.rs256])
            try write(lines, of: issuer, repeats: false, to: folder.appendingPathComponent("distinct"))
            try write(lines, of: issuer, repeats: true, to: folder.appendingPathComponent("repeated"))
        } catch {
            print("bearerguard-captures: \(error)")
            exit(2)
        }
    }

    private static func write(_ lines: Int, of issuer: TestIssuer, repeats: Bool, to folder: URL) throws {
        let now = Int64(Date().timeIntervalSince1970)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        func file(_ name: String) -> URL { folder.appendingPathComponent(name) }
        try Data().write(to: file("tokens.ndjson"))
        let capture = try FileHandle(forWritingTo: file("tokens.ndjson"))
        var tokens: [String] = []
        let step = 10_000
        for start in stride(from: 0, to: lines, by: step) {
            if !repeats { tokens = [] }
            var known = tokens.count
            let numbers = (start..<min(start + step, lines)).map { _ in
                // Any of the tokens that came before.
                if repeats, known > 0, Int.random(in: 0..<10) > 0 {
                    return Int.random(in: 0..<known)
                }
                known += 1
                return known - 1
            }
            tokens += minted(known - tokens.count, by: issuer)
            var text = ""
            for (line, number) in zip(start..., numbers) {
                text += #"{"token":"\#(tokens[number])","ts":\#(now),"src":"gateway-1","id":"\#(line)"}"# + "\n"
            }
            try capture.write(contentsOf: Data(text.utf8))
        }
        try capture.close()
        let settings: JSONValue = [
            "issuers": [.string(issuer.issuer)], "audience": .string(issuer.audience), "now": .integer(now),
            "requiredTyp": ["at+jwt"], "algorithms": ["RS256"], "count": .integer(Int64(lines)),
        ]
        try Data(settings.text.utf8).write(to: file("config.json"))
        // Last, as it tells that the others are whole.
        try Data(issuer.keySet.utf8).write(to: file("jwks.json"))
    }

    /// So many good tokens of 1.2 KB, each another one, made on all cores.
    private static func minted(_ count: Int, by issuer: TestIssuer) -> [String] {
        let groups = JSONValue.array((0..<10).map { .string("group-\($0)-of-the-company") })
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let tokens = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: cores) { core in
            let some = stride(from: core, to: count, by: cores).map { _ in
                issuer.token(
                    scopes: ["openid", "profile", "orders:read", "orders:write", "offline_access"],
                    lifetime: 86_400,
                    changes: ["groups": groups, "ver": 1, "auth_time": 1_700_000_000, "uid": "00u1a2b3c4D5e6F7g8h9"]
                )
            }
            tokens.withLock { $0 += some }
        }
        return tokens.withLock { $0 }
    }
}
