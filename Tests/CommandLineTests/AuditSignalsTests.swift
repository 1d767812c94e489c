// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuardTesting
import Foundation
import Testing

@Suite("Signals to an audit that waits for more", .enabled(if: Program.built != nil))
struct AuditSignalsTests {
    @Test("Interrupted it ends with what is done, and says so", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let audit = try WaitingAudit()
        try audit.write(audit.issuer.token())
        #expect(try audit.verdict().hasPrefix("{\"line\":1,\"verdict\":\"valid\""))
        // The beginning of a line, which is none.
        try audit.input.write(contentsOf: Data("eyJ".utf8))
        kill(audit.process.processIdentifier, signal)
        #expect(audit.statusAtEnd() == 130)
        #expect(try audit.output.readToEnd() ?? Data() == Data())
        #expect(try audit.said().contains("interrupted"))
    }
}

/// An audit of what is written to it, which has no end yet.
private struct WaitingAudit {
    let issuer: TestIssuer
    let process = Process()
    let input: FileHandle
    let output: FileHandle
    private let folder: TemporaryFolder
    private let ended = DispatchSemaphore(value: 0)

    init() throws {
        issuer = try TestIssuer()
        folder = try TemporaryFolder()
        try folder.write(issuer.keySet, to: "keys.json")
        let errors = try folder.write("", to: "errors")
        let (source, target) = (Pipe(), Pipe())
        (input, output) = (source.fileHandleForWriting, target.fileHandleForReading)
        process.executableURL = Program.built
        process.arguments = ["audit", "--jwks", folder.path("keys.json"), "--at", "now", "--format", "ndjson"]
        process.standardInput = source
        process.standardOutput = target
        process.standardError = try FileHandle(forWritingTo: errors)
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
    }

    func write(_ line: String) throws { try input.write(contentsOf: Data((line + "\n").utf8)) }

    /// The next line of the output.
    func verdict() throws -> String {
        var line = Data()
        while line.last != UInt8(ascii: "\n") {
            let next = output.availableData
            try #require(!next.isEmpty, "the output has ended")
            line += next
        }
        return String(decoding: line, as: UTF8.self)
    }

    /// Its status; nil where it goes on.
    func statusAtEnd() -> Int32? {
        guard ended.wait(timeout: .now() + .seconds(30)) == .success else {
            kill(process.processIdentifier, SIGKILL)
            return nil
        }
        return process.terminationStatus
    }

    /// What it wrote to standard error.
    func said() throws -> String { try String(contentsOfFile: folder.path("errors"), encoding: .utf8) }
}
