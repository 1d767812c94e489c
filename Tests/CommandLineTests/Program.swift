// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Foundation

/// The built program, run as a user runs it.
struct Program {
    struct Answer {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The folder that holds the products of this build.
    private static var products: URL {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? Bundle.main
        return bundle.bundleURL.deletingLastPathComponent()
    }

    /// `BEARERGUARD_RELEASE_PROGRAM` where it is set: captures of 100 000 lines are judged by a release build.
    static var release: URL? {
        ProcessInfo.processInfo.environment["BEARERGUARD_RELEASE_PROGRAM"].map { URL(fileURLWithPath: $0) }
    }

    /// The program of this build.
    static var built: URL? {
        let candidates = [
            products.appendingPathComponent("bearerguard"), URL(fileURLWithPath: ".build/debug/bearerguard"),
        ]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    static func run(_ arguments: [String], input: String = "", program: URL? = nil) throws -> Answer {
        let process = Process()
        process.executableURL = program ?? built
        process.arguments = arguments
        let folder = try TemporaryFolder()
        // Files and not pipes: no side can fill up and wait for the other.
        let source = try folder.write(input, to: "input")
        let output = try folder.write("", to: "output")
        let errors = try folder.write("", to: "errors")
        process.standardInput = try FileHandle(forReadingFrom: source)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return Answer(
            status: process.terminationStatus,
            output: try String(contentsOf: output, encoding: .utf8),
            errors: try String(contentsOf: errors, encoding: .utf8)
        )
    }
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> URL {
        let file = url.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file
    }
}
