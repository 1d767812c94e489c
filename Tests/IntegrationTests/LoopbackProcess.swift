// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A server of somebody else's, as a process of its own on loopback.
final class LoopbackProcess: Sendable {
    struct DidNotStart: Error, CustomStringConvertible {
        let description: String
    }

    let processIdentifier: Int32
    private let process: Mutex<Process>

    /// Starts `path` with this process's environment and some more; its output goes to `log`, or nowhere.
    init(
        _ path: String,
        _ arguments: [String],
        in folder: URL? = nil,
        environment: [String: String] = [:],
        log: URL? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        var output = FileHandle.nullDevice
        if let log {
            try Data().write(to: log)
            output = try FileHandle(forWritingTo: log)
        }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        processIdentifier = process.processIdentifier
        self.process = Mutex(process)
    }

    var isRunning: Bool { process.withLock { $0.isRunning } }

    /// How it ended; only of one that has.
    var status: Int32 { process.withLock { $0.terminationStatus } }

    /// Sends a signal.
    func signal(_ number: Int32) { _ = Glibc.kill(processIdentifier, number) }

    /// Ends it at once.
    func kill() { signal(SIGKILL) }

    /// Asks it to end and waits; true if it did within the time.
    func terminate(within time: Duration = .seconds(10)) async -> Bool {
        signal(SIGTERM)
        if await hasEnded(within: time) { return true }
        kill()
        return false
    }

    /// Waits for its end; true if it came within the time.
    func hasEnded(within time: Duration = .seconds(10)) async -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + time
        while clock.now < end {
            if !isRunning { return true }
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    /// Waits until a port of this machine accepts.
    ///
    /// - Throws: ``DidNotStart`` after half a minute, or when the process has ended.
    func untilListening(_ port: Int) async throws {
        for _ in 0..<1500 {
            if let connection = try? RawConnection(port: port) { return connection.close() }
            guard isRunning else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw DidNotStart(description: "nobody listens on the port that the process was given")
    }

    /// A port that nobody listens on at this moment.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = RawConnection.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw DidNotStart(description: "no port is free") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
#endif
