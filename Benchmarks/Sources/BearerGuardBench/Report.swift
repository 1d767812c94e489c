// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation

/// One figure by its name.
struct Figure {
    let name: String
    let ratio: Ratio
    /// What the figure means, for people.
    let meaning: String

    var text: String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        func rounded(_ value: Double) -> String { String(format: value < 0.1 ? "%.4f" : "%.2f", value) }
        let name = "  " + padded(name, 38)
        guard ratio.rounds > 1 else {
            let isCount = ratio.median == ratio.median.rounded()
            return name + padded(isCount ? String(format: "%.0f", ratio.median) : rounded(ratio.median), 40) + meaning
        }
        let spread = padded("(\(rounded(ratio.minimum))–\(rounded(ratio.maximum)))", 18)
        return name + padded(rounded(ratio.median), 8) + spread + padded("\(ratio.rounds) rounds", 14) + meaning
    }

    var json: JSONValue {
        [
            "name": .string(name), "ratio": .number(ratio.median), "min": .number(ratio.minimum),
            "max": .number(ratio.maximum), "rounds": .integer(Int64(ratio.rounds)),
        ]
    }
}

/// Tells figures as they come, or all of them at the end as JSON.
final class Report {
    private let isJSON: Bool
    private var figures: [Figure] = []

    init(isJSON: Bool) { self.isJSON = isJSON }

    func begin() throws {
        guard !isJSON else { return }
        try write("\(Surroundings.processor), \(Surroundings.system)")
        try write(Surroundings.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", "))
        try write("median (smallest–largest)")
    }

    func add(_ figure: Figure) throws {
        figures.append(figure)
        if !isJSON { try write(figure.text) }
    }

    func end() throws {
        guard isJSON else { return }
        let versions: [JSONValue] = Surroundings.versions.map {
            ["name": .string($0.name), "version": .string($0.version)]
        }
        let report: JSONValue = [
            "processor": .string(Surroundings.processor), "system": .string(Surroundings.system),
            "versions": .array(versions),
            "cases": .array(figures.map(\.json)),
        ]
        try write(report.text)
    }

    /// Writes a line at once, so that nobody waits for one that was measured.
    private func write(_ line: String) throws {
        print(line)
        guard fflush(nil) == 0 else { throw WriteError() }
    }

    /// A word beside the figures.
    static func say(_ text: String) { FileHandle.standardError.write(Data("bearerguard-bench: \(text)\n".utf8)) }
}

struct WriteError: Error, CustomStringConvertible {
    var description: String { "the figures cannot be written" }
}
