// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// The real `curl`, as a client that shares no code with us.
enum Curl {
    static let path = "/usr/bin/curl"
    /// What curl ends with when the server has ended an HTTP/2 stream.
    static let streamReset: Int32 = 92

    /// Whether it is there; the suites that need it say in their output that they are skipped when it is not.
    static let isInstalled = Program.isInstalled(path)

    /// What curl received.
    struct Answer: Sendable {
        /// As `HTTP/1.1` or `HTTP/2`.
        let version: String
        let status: Int
        let fields: [(name: String, value: String)]
        let body: String

        /// The values of every field of this name.
        func values(_ name: String) -> [String] {
            fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        }
    }

    struct NotHTTP: Error {
        let output: String
    }

    /// Asks for `url`, with one header line for each text of `headers` and more arguments for curl itself.
    static func get(
        _ url: String,
        headers: [String] = [],
        method: String = "GET",
        options: [String] = []
    ) async throws -> Answer {
        // -q first: no .curlrc of the machine has a say.
        var arguments = ["-q", "--silent", "--include", "--http1.1", "--noproxy", "*", "--max-time", "30"]
        arguments += method == "HEAD" ? ["--head"] : ["--request", method]
        for header in headers { arguments += ["--header", header] }
        return try parse(try await Program.run(path, arguments + options + [url]))
    }

    private static func parse(_ output: String) throws -> Answer {
        guard let end = output.firstRange(of: "\r\n\r\n") else { throw NotHTTP(output: output) }
        let head = output[..<end.lowerBound].split(separator: "\r\n")
        let words = head.first?.split(separator: " ") ?? []
        guard let version = words.first, let status = words.dropFirst().first.flatMap({ Int($0) }) else {
            throw NotHTTP(output: output)
        }
        let fields = head.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            return (String(line[..<colon]), String(value))
        }
        return Answer(
            version: String(version),
            status: status,
            fields: fields,
            body: String(output[end.upperBound...])
        )
    }
}
#endif
