// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// Writes verdicts as lines of JSON.
///
/// What conclusions say stands in one text: to copy from it counts no references, as each conclusion's own bytes would have it.
struct VerdictWriter {
    /// What came of a line: the number of a conclusion, and what the token is named by; nil where there is none.
    typealias Verdict = (conclusion: Int, fingerprint: TokenFingerprint?)

    private struct Said {
        /// In front of the fingerprint, and behind it.
        let start: Range<Int>
        let end: Range<Int>
    }

    private var texts: [UInt8] = []
    private var said: [Said] = []
    /// Bytes that were written last, as many as the next lines will take.
    private var room = 0

    /// Takes the next conclusion; they are numbered from 0 on.
    mutating func add(_ conclusion: Conclusion) {
        let start = texts.count
        texts += conclusion.start
        let end = texts.count
        texts += conclusion.end
        said.append(Said(start: start..<end, end: end..<texts.count))
    }

    /// The verdicts on lines, as lines of JSON.
    ///
    /// - Parameters:
    ///   - verdicts: what came of each line.
    ///   - beginning: what ``beginning(file:)`` says.
    mutating func written(_ verdicts: [Verdict], on lines: CapturedLines, behind beginning: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(room + room / 8)
        Self.write(verdicts, on: lines, said, texts, behind: beginning, to: &output)
        room = output.count
        return output
    }

    private static func write(
        _ verdicts: [Verdict],
        on lines: CapturedLines,
        _ said: [Said],
        _ texts: [UInt8],
        behind beginning: [UInt8],
        to output: inout [UInt8]
    ) {
        for (line, verdict) in zip(lines.all, verdicts) {
            append(beginning, beginning.indices, to: &output)
            append(line.number, to: &output)
            if let id = line.id {
                append(",\"id\":", to: &output)
                unsafe lines.withBytes(of: id) { unsafe output.append(contentsOf: $0) }
            }
            let said = said[verdict.conclusion]
            if let fingerprint = verdict.fingerprint {
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
