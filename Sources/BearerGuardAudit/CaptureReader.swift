// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads lines from a file descriptor in batches of bounded size.
struct CaptureReader {
    /// Whole lines, one behind the other.
    struct Batch: Sendable {
        fileprivate let buffer: [UInt8]
        /// The number of the first line.
        let firstLine: Int
        /// Where each line ends.
        let ends: [Int]
        /// Bytes of all its lines, with what ends them.
        let byteCount: Int

        /// Lends the lines.
        func withBytes<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
            unsafe buffer.withUnsafeBufferPointer {
                unsafe body(UnsafeBufferPointer(rebasing: $0[..<(ends.last ?? 0)]))
            }
        }
    }

    /// Bytes of one read, and of the longest line that is judged; the rest of a longer one is passed over.
    static let chunkBytes = 512 * 1024
    static let lineBytes = 1024 * 1024
    /// Most lines of a batch: of short ones, what is made of each takes more than it does.
    static let batchLines = 8192

    private let descriptor: Int32
    private let name: String
    private var rest: [UInt8] = []
    /// Bytes at its beginning that no line ends in.
    private var unended = 0
    /// Buffers of batches that are done with: memory that is new to the process costs more than to read into it.
    private var spare: [[UInt8]] = []
    private var nextLine = 1
    /// Whether nothing will follow.
    private(set) var isAtEnd = false
    /// Whether that is because reading was to end.
    private(set) var wasStopped = false
    /// Without those that were given up as reading was to end.
    private(set) var bytesRead = 0
    /// Bytes of the batches that were taken, and what was passed over.
    var bytesTaken: Int { bytesRead - rest.count }

    /// - Parameter name: by which a fault is told.
    init(descriptor: Int32, name: String? = nil) {
        self.descriptor = descriptor
        self.name = name ?? "the capture"
    }

    /// Looks at the beginning, up to something that tells how it is written, without consuming it, but for a byte order mark.
    mutating func start(unless shouldStop: () -> Bool) throws(CaptureError) -> [UInt8] {
        let mark: [UInt8] = .byteOrderMark
        while !isAtEnd, rest.count < Self.chunkBytes, mark.starts(with: rest) || rest.firstThatIsNoSpace == nil {
            _ = try fill(unless: shouldStop)
            if rest.starts(with: mark) { rest.removeFirst(mark.count) }
        }
        return rest
    }

    /// The next lines; nil at the end, and where waiting for them is to end.
    ///
    /// - Parameter isPatient: false to wait for a moment only, as there is something else to do.
    mutating func next(unless shouldStop: () -> Bool, isPatient: Bool = true) throws(CaptureError) -> Batch? {
        if isAtEnd, rest.isEmpty { return nil }
        if shouldStop() { stop() }
        let newline = UInt8(ascii: "\n")
        while true {
            if let end = rest[unended...].lastIndex(of: newline) { return take(upTo: end + 1) }
            unended = rest.count
            if isAtEnd { return rest.isEmpty ? nil : take(upTo: rest.count) }
            if rest.count > Self.lineBytes {
                // Judged by its beginning: too large for any token. The rest of the line follows no verdict.
                try skipLine(unless: shouldStop)
                continue
            }
            guard try fill(unless: shouldStop, isPatient: isPatient) else { return nil }
        }
    }

    /// Ends reading; what is at hand of a line is none.
    private mutating func stop() {
        bytesRead -= rest.count
        (isAtEnd, wasStopped, rest, unended) = (true, true, [], 0)
    }

    /// Takes back a batch that nobody looks at any more.
    mutating func reuse(_ batch: Batch) {
        // Those that long lines made large are not kept.
        if batch.buffer.capacity <= 2 * Self.chunkBytes { spare.append(batch.buffer) }
    }

    /// Takes the lines in front of a place, as many as a batch may have.
    private mutating func take(upTo end: Int) -> Batch {
        let ends = ends(upTo: end)
        let next = min((ends.last ?? end) + 1, end)
        let batch = Batch(buffer: rest, firstLine: nextLine, ends: ends, byteCount: next)
        var buffer = spare.popLast() ?? []
        buffer.removeAll(keepingCapacity: true)
        // A read, and nearly any beginning of a line: what has to grow is moved.
        buffer.reserveCapacity(Self.chunkBytes / 4 * 5)
        buffer += rest[next...]
        rest = buffer
        unended = next < end ? 0 : rest.count
        nextLine += ends.count
        return batch
    }

    /// Where lines end; the last one of the input may do so without a line feed.
    private func ends(upTo end: Int) -> [Int] {
        unsafe rest.withUnsafeBufferPointer { bytes in
            var ends: [Int] = []
            var start = 0
            while start < end, ends.count < Self.batchLines {
                let lineEnd = unsafe bytes.position(of: UInt8(ascii: "\n"), from: start, to: end) ?? end
                ends.append(lineEnd)
                start = lineEnd + 1
            }
            return ends
        }
    }

    private mutating func skipLine(unless shouldStop: () -> Bool) throws(CaptureError) {
        let start = Array(rest.prefix(Self.lineBytes))
        while !isAtEnd {
            rest.removeAll(keepingCapacity: true)
            _ = try fill(unless: shouldStop)
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                rest.removeFirst(end)
                break
            }
        }
        if wasStopped { return }
        if isAtEnd, rest.first != UInt8(ascii: "\n") { rest = [] }
        rest = start + rest
        unended = 0
    }

    /// Reads what is there; false where nothing came in a moment, and nobody is to wait for longer.
    private mutating func fill(unless shouldStop: () -> Bool, isPatient: Bool = true) throws(CaptureError) -> Bool {
        // A signal reaches any thread: this one looks for itself whether it still is to wait.
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            if shouldStop() {
                stop()
                return true
            }
            let ready = unsafe poll(&waiting, 1, isPatient ? 100 : 5)
            if ready > 0 || ready < 0 && errno != EINTR { break }
            if !isPatient { return false }
        }
        var count = 0
        // Read in place, behind what is left.
        rest.append(addingCapacity: Self.chunkBytes) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, total in
                repeat {
                    count = unsafe read(descriptor, buffer.baseAddress.map { unsafe $0 + total }, Self.chunkBytes)
                } while count < 0 && errno == EINTR
                total += max(0, count)
            }
        }
        guard count >= 0 else {
            let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "cannot be read"
            throw CaptureError(message: "\(name): \(reason)")
        }
        if count == 0 { isAtEnd = true }
        bytesRead += count
        return true
    }
}

/// Input or output failed.
public struct CaptureError: Error, Sendable {
    /// What could not be read or written, and what the system said.
    public let message: String

    /// An error with a message.
    public init(message: String) {
        self.message = message
    }
}
