// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BenchmarkLoad
import Foundation

/// One number under its name.
struct Count {
    let name: String
    let value: Int

    var text: String { "  \(name)\(String(repeating: " ", count: max(1, 40 - name.count)))\(value)" }

    /// Allocations, and instructions where valgrind is there.
    static func all(of name: String) throws -> [Count] {
        let counted = try Case(name)
        var allocations = try counted.allocations().count
        if let raw = counted.raw { allocations -= try Case(raw).allocations().count }
        var counts = [Count(name: "allocations.\(name)", value: allocations)]
        if var instructions = try Self.instructions(of: name) {
            if let raw = counted.raw, let its = try Self.instructions(of: raw) { instructions -= its }
            counts.append(Count(name: "instructions.\(name)", value: instructions))
        }
        return counts
    }

    /// Instructions of one repetition; nil without valgrind.
    private static func instructions(of name: String) throws -> Int? {
        let repetitions = 100
        let valgrind = "/usr/bin/valgrind"
        guard FileManager.default.isExecutableFile(atPath: valgrind) else { return nil }
        let output = FileManager.default.temporaryDirectory.appendingPathComponent("counts-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: valgrind)
        process.arguments = [
            "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null", try stripped().path, "run",
            name, "\(repetitions)",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchmarkError("valgrind could not run \(name)") }
        for line in try String(contentsOf: output, encoding: .utf8).split(separator: "\n") {
            guard let label = line.range(of: "Collected : ") else { continue }
            return Int(line[label.upperBound...]).map { $0 / repetitions }
        }
        throw BenchmarkError("valgrind counted nothing")
    }

    /// This program without its debug information, of which valgrind does not read every form.
    private static func stripped() throws -> URL {
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("counts-\(getpid())")
        guard !FileManager.default.fileExists(atPath: copy.path) else { return copy }
        let strip = Command(["/usr/bin/strip", "--strip-debug", "-o", copy.path, "/proc/\(getpid())/exe"])
        guard try strip.output() != nil else { throw BenchmarkError("strip failed") }
        return copy
    }

    static func write(_ counts: [Count], to file: String) throws {
        let lines = counts.map { "  \"\($0.name)\": \($0.value)" }
        try Data("{\n\(lines.joined(separator: ",\n"))\n}\n".utf8).write(to: URL(fileURLWithPath: file))
    }

    /// What a file has, by names.
    static func recorded(in file: String) throws -> [String: Int] {
        guard let text = FileManager.default.contents(atPath: file),
            let recorded = try? JSONDecoder().decode([String: Int].self, from: text)
        else { throw BenchmarkError("\(file) holds no counts") }
        return recorded
    }

    /// Whether none is over the recorded one by more than a tenth.
    static func areWithin(_ counts: [Count], _ recorded: [String: Int]) throws -> Bool {
        var areWithin = true
        for count in counts {
            guard let limit = recorded[count.name] else { throw BenchmarkError("\(count.name) is not recorded") }
            if count.value * 10 > limit * 11 {
                print("over the recorded \(limit) by more than a tenth: \(count.name) is \(count.value)")
                areWithin = false
            }
        }
        print("\(counts.count) counts, \(areWithin ? "all" : "not all") within a tenth of the recorded ones")
        return areWithin
    }
}
