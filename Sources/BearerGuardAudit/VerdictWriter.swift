// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// Writes verdicts as lines of JSON.
///
/// What conclusions say stands in one text: to copy from it counts no references, as each conclusion's own bytes would have it.
struct VerdictWriter {
    /// What came of a line: the number of a conclusion, and what the token is named by; nil where there is none.
    typealias Judged = (conclusion: Int, fingerprint: TokenFingerprint?)

    private struct Said {
        /// In front of the fingerprint, and behind it.
        let start: Range<Int>
        let end: Range<Int>
    }

    /// The verdicts that were written last.
    private(set) var verdicts: [UInt8] = []
    private var texts: [UInt8] = []
    private var said: [Said] = []

    /// Takes the next conclusion; they are numbered from 0 on.
    mutating func add(_ conclusion: Conclusion) {
        let start = texts.count
        texts += conclusion.start
        let end = texts.count
        texts += conclusion.end
        said.append(Said(start: start..<end, end: end..<texts.count))
    }

    /// Writes the verdicts on lines, in place of those before.
    ///
    /// - Parameters:
    ///   - judged: what came of each line.
    ///   - beginning: what ``beginning(file:)`` says.
    mutating func write(_ lines: CapturedLines, _ judged: [Judged], behind beginning: [UInt8]) {
        verdicts.removeAll(keepingCapacity: true)
        Self.write(lines, judged, said, texts, behind: beginning, to: &verdicts)
    }

    private static func write(
        _ lines: CapturedLines,
        _ judged: [Judged],
        _ said: [Said],
        _ texts: [UInt8],
        behind beginning: [UInt8],
        to output: inout [UInt8]
    ) {
        for (line, judged) in zip(lines.all, judged) {
            append(beginning, beginning.indices, to: &output)
            append(line.number, to: &output)
            if let id = line.id {
                append(",\"id\":", to: &output)
                unsafe lines.withBytes(of: id) { unsafe output.append(contentsOf: $0) }
            }
            let said = said[judged.conclusion]
            if let fingerprint = judged.fingerprint {
                append(texts, said.start, to: &output)
                fingerprint.write(to: &output)
                append(texts, said.end, to: &output)
            } else {
                // Without the quotes of the fingerprint.
                append(texts, said.start.dropLast(), to: &output)
                append("null", to: &output)
                append(texts, said.end.dropFirst(), to: &output)
            }
        }
    }

    /// Appends some bytes of a text without counting references, as a slice of it would.
    @inline(__always)
    private static func append(_ text: [UInt8], _ place: Range<Int>, to output: inout [UInt8]) {
        unsafe text.withUnsafeBufferPointer {
            unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: $0[place]))
        }
    }

    /// How every verdict on a line of an input begins; `file` is the input's name, where there are several.
    static func beginning(file: String?) -> [UInt8] {
        let name = file.map { "\"file\":\(JSONValue.string($0).text)," } ?? ""
        return Array("{\(name)\"line\":".utf8)
    }

    private static func append(_ text: StaticString, to output: inout [UInt8]) {
        unsafe output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends the decimal digits of a number from 0 on.
    private static func append(_ number: Int, to output: inout [UInt8]) {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = digits.count
            var rest = UInt64(truncatingIfNeeded: number)
            repeat {
                start -= 1
                unsafe digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}
