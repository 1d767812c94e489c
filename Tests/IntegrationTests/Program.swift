// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// Another program, run to its end.
enum Program {
    struct Failed: Error {
        let path: String
        let status: Int32
    }

    static func isInstalled(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// Runs `path` with `arguments`, no input and no environment, and returns what it printed.
    ///
    /// - Throws: ``Failed`` when it ends with another status than these.
    @discardableResult
    static func run(
        _ path: String,
        _ arguments: [String],
        expecting statuses: Set<Int32> = [0]
    ) async throws -> String {
        let process = Process()
        // A file and not a pipe: a server that another test starts meanwhile would inherit the pipe and keep it open.
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("bearerguard-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = [:]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: file)
        process.standardError = FileHandle.nullDevice
        let status = try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Int32, any Error>) in
            process.terminationHandler = { ended.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                ended.resume(throwing: error)
            }
        }
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        guard statuses.contains(status) else { throw Failed(path: path, status: status) }
        return text
    }
}
#endif
