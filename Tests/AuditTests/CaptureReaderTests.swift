// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

@testable import BearerGuardAudit

@Suite("Inputs of an audit")
struct CaptureReaderTests {
    /// An audit by no keys.
    private func audit(workers: Int) -> Audit {
        Audit(
            policy: .withoutKeys(instant: .at(UnixTime(seconds: 0))),
            format: nil,
            fields: .plainText,
            workers: workers
        )
    }

    private func lines(_ descriptor: Int32) throws -> [[UInt8]] {
        var reader = CaptureReader(descriptor: descriptor)
        var lines: [[UInt8]] = []
        while let batch = try reader.next(unless: { false }) {
            #expect(batch.firstLine == lines.count + 1)
            #expect((1...CaptureReader.batchLines).contains(batch.ends.count))
            var start = 0
            unsafe batch.withBytes { bytes in
                for end in batch.ends {
                    lines.append(unsafe Array(bytes[start..<end]))
                    start = end + 1
                }
            }
            reader.reuse(batch)
        }
        return lines
    }

    @Test("Lines of any length and number are read, each with its number", arguments: 1...6)
    func anyLines(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let lengths = [0, 0, 1, 2, 700, 5000, 300_000, CaptureReader.lineBytes, CaptureReader.lineBytes + 1, 2_500_000]
        let expected = (0..<20).flatMap { number -> [[UInt8]] in
            let byte = UInt8(ascii: "a") + UInt8(number)
            let length = lengths[Int.random(in: lengths.indices, using: &generator)]
            let line = Array(repeating: byte, count: length)
            return length > 5000 ? [line] : Array(repeating: line, count: length < 3 ? 9000 : 200)
        }
        for end in [[], [UInt8(ascii: "\n")]] {
            let text = Array(expected.joined(separator: [UInt8(ascii: "\n")])) + end
            let file = try captureFile(text)
            defer { try? file.close() }
            let read = try lines(file.fileDescriptor)
            // An empty line at the end is none.
            let last = end.isEmpty && expected.last == [] ? 1 : 0
            #expect(read.count == expected.count - last)
            for (line, expected) in zip(read, expected) where line != expected {
                // What is longer than any token may be cut.
                #expect(line.count >= CaptureReader.lineBytes)
                #expect(line == Array(expected.prefix(line.count)))
            }
        }
    }

    @Test("Verdicts on what is there are written while more is waited for", .timeLimit(.minutes(1)))
    func liveInput() async throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("rubbish\nrubb".utf8))
        let audit = audit(workers: 1)
        var output: [UInt8] = []
        let summary = try await audit.run(
            [Audit.Input(descriptor: pipe.fileHandleForReading.fileDescriptor, name: nil)],
            verdicts: { bytes throws(CaptureError) in output += bytes },
            shouldStop: { !output.isEmpty }
        )
        try pipe.fileHandleForWriting.close()
        #expect(summary.wasInterrupted)
        #expect(summary.total == 1)
        #expect(output.count { $0 == UInt8(ascii: "\n") } == 1)
    }

    @Test("The beginning of a line waits for the rest, and is no line when reading is stopped", .timeLimit(.minutes(1)))
    func beginningOfLine() throws {
        let pipe = Pipe()
        func write(_ text: String) throws { try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
        var reader = CaptureReader(descriptor: pipe.fileHandleForReading.fileDescriptor)
        try write("rubb")
        #expect(try reader.next(unless: { false }, isPatient: false) == nil)
        #expect(!reader.isAtEnd)
        try write("ish\nrubb")
        let batch = try #require(try reader.next(unless: { false }, isPatient: false))
        #expect(batch.ends == [7])
        var asked = 0
        let next = try reader.next(unless: {
            asked += 1
            return asked > 1
        })
        #expect(next == nil)
        #expect(reader.isAtEnd && reader.wasStopped)
        try pipe.fileHandleForWriting.close()
    }

    @Test("Input that never ends a line is stopped, and has no line then", .timeLimit(.minutes(1)))
    func endlessLine() throws {
        let zeros = try #require(FileHandle(forReadingAtPath: "/dev/zero"))
        var reader = CaptureReader(descriptor: zeros.fileDescriptor)
        var asked = 0
        let next = try reader.next(unless: {
            asked += 1
            return asked > 10
        })
        #expect(next == nil)
        #expect(reader.wasStopped)
        #expect(reader.bytesRead > 2 * CaptureReader.lineBytes)
    }

    @Test(
        "How an input is written is told by what it has, however little of it comes at first",
        .timeLimit(.minutes(1))
    )
    func lateBeginning() throws {
        let pipe = Pipe()
        var parts = ["\u{FEFF}", "\n \n", "{"].map { Data($0.utf8) }
        var reader = CaptureReader(descriptor: pipe.fileHandleForReading.fileDescriptor)
        // Asked in front of each read.
        let start = try reader.start(unless: {
            if !parts.isEmpty { try? pipe.fileHandleForWriting.write(contentsOf: parts.removeFirst()) }
            return false
        })
        try pipe.fileHandleForWriting.close()
        #expect(CaptureFormat.looksLikeNDJSON(start))
    }

    @Test("Each input has lines of its own, and progress goes on from one to the next", arguments: [1, 3])
    func severalInputs(workers: Int) async throws {
        let text = Array(String(repeating: "rubbish\n\n", count: 20_000).utf8)
        let audit = audit(workers: workers)
        let files = try (0..<2).map { _ in try captureFile(text) }
        defer { for file in files { try? file.close() } }
        var output: [UInt8] = []
        var told: [Audit.Progress] = []
        let summary = try await audit.run(
            zip(files, ["a", "b"]).map { Audit.Input(descriptor: $0.fileDescriptor, name: $1) },
            verdicts: { bytes throws(CaptureError) in output += bytes },
            progress: { told.append($0) }
        )
        #expect(summary.total == 40_000)
        #expect(told.last?.tokens == 40_000)
        #expect(told.last?.bytes == 2 * text.count)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.tokens <= $1.tokens && $0.bytes <= $1.bytes })
        let beginnings = output.split(separator: UInt8(ascii: "\n")).map { line in
            String(decoding: line.prefix { $0 != UInt8(ascii: "v") }, as: UTF8.self)
        }
        let expected = ["a", "b"].flatMap { file in
            (0..<20_000).map { #"{"file":"\#(file)","line":\#(2 * $0 + 1),""# }
        }
        #expect(beginnings == expected)
    }

    @Test("What fails to be written ends the audit with that, and nothing is written behind it")
    func failingOutput() async throws {
        let text = Array(String(repeating: "rubbish\n", count: 100_000).utf8)
        let audit = audit(workers: 2)
        var calls = 0
        let file = try captureFile(text)
        defer { try? file.close() }
        await #expect(throws: CaptureError.self) {
            try await audit.run(
                [Audit.Input(descriptor: file.fileDescriptor, name: nil)],
                verdicts: { _ throws(CaptureError) in
                    calls += 1
                    if calls == 3 { throw CaptureError(message: "no space left") }
                }
            )
        }
        #expect(calls == 3)
    }
}
