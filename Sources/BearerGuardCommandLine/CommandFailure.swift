// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import BearerGuard

/// A command that cannot go on: one clear line, what to try next, and the exit status.
struct CommandFailure: Error {
    static let findings: Int32 = 1
    static let usage: Int32 = 2
    static let keysUnavailable: Int32 = 3

    let message: String
    var hints: [String] = []
    var status = Self.usage

    init(_ message: String, hints: [String] = [], status: Int32 = Self.usage) {
        self.message = message
        self.hints = hints
        self.status = status
    }

    /// What is wrong with the configuration, and where it was found.
    init(_ error: ConfigurationError, at place: String) {
        // A file's own message names it already.
        let message = error.message.hasPrefix("\(place): ") ? error.message : "\(place): \(error.message)"
        let isAboutHTTP = error.message.contains("not https")
        self.init(
            message,
            hints: isAboutHTTP ? ["--allow-loopback-http, or allowLoopbackHTTP in a policy, permits it"] : []
        )
    }

    /// A line for each fault of the document at `path`.
    init(_ faults: PolicyDocument.Faults, in path: String) {
        self.init(
            faults.faults
                .map { $0.message.hasPrefix("\(path): ") ? $0.message : "\(path): \($0)" }
                .joined(separator: "\n")
        )
    }

    /// Runs `body`; what is wrong with the configuration becomes a failure that names where it was found.
    static func explaining<Value>(
        _ place: String,
        _ body: () throws(ConfigurationError) -> Value
    ) throws(CommandFailure) -> Value {
        do throws(ConfigurationError) {
            return try body()
        } catch {
            throw CommandFailure(error, at: place)
        }
    }
}
#endif
