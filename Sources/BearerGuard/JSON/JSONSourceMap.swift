// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The line on which each member of a JSON text stands, so that a fault in a document can be found.
package struct JSONSourceMap: Sendable {
    private var lines: [String: Int] = [:]

    /// Maps `text`, which jansson has accepted.
    package init(_ text: [UInt8]) {
        var scanner = Scanner(text: text)
        scanner.value(path: "", into: &lines)
    }

    /// The line of the value at `path`, or of the nearest value around it; written as `issuers[0].keys.file`.
    package func line(of path: String) -> Int? {
        var path = Substring(path)
        while true {
            if let line = lines[String(path)] { return line }
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return lines[""] }
            path = path[..<end]
        }
    }

    /// The line of the byte at `offset`, counted from 1.
    private struct Scanner {
        let text: [UInt8]
        var position = 0
        var line = 1

        mutating func value(path: String, into lines: inout [String: Int]) {
            skipSpace()
            lines[path] = line
            guard let byte = peek else { return }
            switch byte {
            case UInt8(ascii: "{"):
                step()
                skipSpace()
                while let next = peek, next != UInt8(ascii: "}") {
                    let name = string()
                    skipSpace()
                    step()
                    value(path: path.isEmpty ? name : "\(path).\(name)", into: &lines)
                    skipSpace()
                    if peek == UInt8(ascii: ",") { step() }
                    skipSpace()
                }
                step()
            case UInt8(ascii: "["):
                step()
                skipSpace()
                var index = 0
                while let next = peek, next != UInt8(ascii: "]") {
                    value(path: "\(path)[\(index)]", into: &lines)
                    index += 1
                    skipSpace()
                    if peek == UInt8(ascii: ",") { step() }
                    skipSpace()
                }
                step()
            case UInt8(ascii: "\""):
                _ = string()
            default:
                while let next = peek, !",]} \t\r\n".utf8.contains(next) { step() }
            }
        }

        private var peek: UInt8? { position < text.count ? text[position] : nil }

        private mutating func step() {
            if peek == UInt8(ascii: "\n") { line += 1 }
            position += 1
        }

        private mutating func skipSpace() {
            while let next = peek, " \t\r\n".utf8.contains(next) { step() }
        }

        private mutating func string() -> String {
            step()
            let start = position
            while let next = peek, next != UInt8(ascii: "\"") {
                if next == UInt8(ascii: "\\") { step() }
                step()
            }
            let name = String(decoding: text[min(start, text.count)..<min(position, text.count)], as: UTF8.self)
            step()
            return name
        }
    }
}
