// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad
import Dispatch
import Foundation
import Synchronization

/// Makes a capture for `audit.sh`: of distinct tokens, or one in which nine of ten lines repeat a token.
@main
enum Main {
    private static let usage = """
        USAGE: bearerguard-captures FOLDER LINES distinct|repeated

        Makes FOLDER with tokens.ndjson, jwks.json and config.json, of good RS256 tokens of 1.2 KB.
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments == ["--help"] { return print(usage) }
        guard arguments.count == 3, let lines = Int(arguments[1]), lines > 0,
            ["distinct", "repeated"].contains(arguments[2])
        else { fail(usage) }
        let folder = URL(fileURLWithPath: arguments[0], isDirectory: true)
        do {
            try make(folder, of: lines, repeats: arguments[2] == "repeated")
        } catch {
            fail("bearerguard-captures: \(error)")
        }
    }

    private static func fail(_ text: String) -> Never {
        FileHandle.standardError.write(Data((text + "\n").utf8))
        exit(2)
    }

    private static func make(_ folder: URL, of lines: Int, repeats: Bool) throws {
        guard !FileManager.default.fileExists(atPath: folder.path) else {
            throw BenchmarkError("\(folder.path) is there already")
        }
        let now = Int64(Date().timeIntervalSince1970)
        let issuer = try TestIssuer(algorithms: [.rs256], clock: .fixed(UnixTime(seconds: now)))
        // Under another name until it is whole.
        let part = folder.appendingPathExtension("part")
        try? FileManager.default.removeItem(at: part)
        try FileManager.default.createDirectory(at: part, withIntermediateDirectories: true)
        func file(_ name: String) -> URL { part.appendingPathComponent(name) }
        try Data().write(to: file("tokens.ndjson"))
        let capture = try FileHandle(forWritingTo: file("tokens.ndjson"))
        try write(lines, of: issuer, repeats: repeats, at: now, to: capture)
        try capture.close()
        let settings: JSONValue = [
            "issuers": [.string(issuer.issuer)], "audience": .string(issuer.audience), "now": .integer(now),
            "requiredTyp": ["at+jwt"], "algorithms": ["RS256"], "count": .integer(Int64(lines)),
        ]
        try Data(settings.text.utf8).write(to: file("config.json"))
        try Data(issuer.keySet.utf8).write(to: file("jwks.json"))
        try FileManager.default.moveItem(at: part, to: folder)
    }

    private static func write(
        _ lines: Int,
        of issuer: TestIssuer,
        repeats: Bool,
        at now: Int64,
        to capture: FileHandle
    ) throws {
        var tokens: [String] = []
        let step = 10_000
        for start in stride(from: 0, to: lines, by: step) {
            if !repeats { tokens = [] }
            var known = tokens.count
            let numbers = (start..<min(start + step, lines)).map { _ in
                // Any of the tokens that came before.
                if repeats, known > 0, Int.random(in: 0..<10) > 0 { return Int.random(in: 0..<known) }
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
    }

    /// So many tokens, each another one, made on all cores.
    private static func minted(_ count: Int, by issuer: TestIssuer) -> [String] {
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let tokens = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: cores) { core in
            let some = stride(from: core, to: count, by: cores).map { Workload.token(issuer, number: $0) }
            tokens.withLock { $0 += some }
        }
        return tokens.withLock { $0 }
    }
}
