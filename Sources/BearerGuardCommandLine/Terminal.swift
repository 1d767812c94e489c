// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import BearerGuard
import BearerGuardAudit
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Standard output and error: results on the one, everything else on the other.
enum Terminal {
    /// Keeps those of the three standard descriptors that are closed from being the next file's that is opened; to read or to
    /// write there fails.
    static func holdStandardDescriptors() {
        let modes = [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDWR)]
        for (descriptor, mode) in modes where fcntl(descriptor, F_GETFD) < 0 { _ = unsafe open("/dev/null", mode) }
    }

    /// Says something on standard error, under the program's name.
    ///
    /// What may be a token or a key is named by its size alone: arguments that people mistype must not stand in a log.
    static func say(_ message: String) {
        for line in withoutKeys(message).split(separator: "\n", omittingEmptySubsequences: false) {
            try? write(Array("bearerguard: ".utf8) + withoutTokens(line.utf8) + [UInt8(ascii: "\n")], to: STDERR_FILENO)
        }
    }

    /// A message without any JSON object or PEM in it.
    private static func withoutKeys(_ message: String) -> String {
        // To make ready for the search takes longer than nearly every message is worth.
        guard message.utf8.contains(UInt8(ascii: "{")) || message.contains("-----BEGIN ") else { return message }
        return message.replacing(/(?s)\{\s*".*?(?:\}|$)|-----BEGIN .*?(?:-----END [A-Z ]*-----|$)/) {
            "(\($0.output.utf8.count) bytes)"
        }
    }

    private static func withoutTokens(_ text: some Sequence<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var word: [UInt8] = []
        func end() {
            let isToken = word.count > 24 && String(decoding: word, as: UTF8.self).contains("eyJ")
            // No file's name is longer.
            let isTooLong = word.count > 255 && !word.contains(UInt8(ascii: "/"))
            output += isToken || isTooLong ? Array("(\(word.count) bytes)".utf8) : word
            word = []
        }
        for byte in text {
            if BearerToken.isTokenByte(byte) {
                word.append(byte)
            } else {
                end()
                // A file's name may have what a terminal would obey.
                output.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte)
            }
        }
        end()
        return output
    }

    /// Writes a result.
    static func print(_ text: String) throws(CaptureError) {
        try write(Array((text + "\n").utf8), to: STDOUT_FILENO)
    }

    /// Writes all bytes, however often the system takes only a part.
    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(CaptureError) {
        var offset = 0
        while offset < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe systemWrite(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CaptureError(message: unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "cannot write")
            }
            offset += count
        }
    }

    /// Whether standard error is a terminal, where progress is of use.
    static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

    /// Replaces the line of progress; empty text takes it away.
    static func progress(_ text: String) {
        try? write(Array("\r\u{1B}[K\(text)".utf8), to: STDERR_FILENO)
    }

    /// All of standard input, at most `limit` bytes.
    static func standardInput(limit: Int) throws(CommandFailure) -> [UInt8] {
        try CommandFailure.explaining("standard input") { () throws(ConfigurationError) in
            try PolicyFile.bytes("-", limit: limit)
        }
    }
}

/// Named apart because `write` is a method above.
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, buffer, count)
}

/// Ctrl-C and SIGTERM, noticed once: a second one ends the program at once.
enum Interruption {
    static var hasHappened: Bool { wasInterrupted.load(ordering: .relaxed) }

    /// Listens from now on.
    ///
    /// Waiting for input ends early, so that the work can be closed in order.
    static func watch() {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = noteInterruption
        for number in [SIGINT, SIGTERM] { unsafe sigaction(number, &action, nil) }
        // A reader that goes away (`| head`) is an error of writing, not a signal.
        signal(SIGPIPE, SIG_IGN)
    }
}

private let wasInterrupted = Atomic<Bool>(false)

private func noteInterruption(_ number: Int32) {
    wasInterrupted.store(true, ordering: .relaxed)
    signal(number, SIG_DFL)
}
#endif
