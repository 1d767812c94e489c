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
    func written(_ verdicts: [Verdict], on lines: CapturedLines, behind beginning: [UInt8]) -> [UInt8] {
        let id: StaticString = ",\"id\":"
        var room = lines.all.count * (beginning.count + Pen.numberBytes + id.utf8CodeUnitCount + Pen.fingerprintBytes)
        for (line, verdict) in zip(lines.all, verdicts) {
            let said = said[verdict.conclusion]
            room += (line.id?.count ?? 0) + said.start.count + said.end.count
        }
        return unsafe [UInt8](unsafeUninitializedCapacity: room) { output, count in
            var pen = unsafe Pen(output)
            for (line, verdict) in zip(lines.all, verdicts) {
                pen.write(beginning, beginning.indices)
                pen.write(line.number)
                if let text = line.id {
                    pen.write(id)
                    unsafe lines.withBytes(of: text) { unsafe pen.write($0) }
                }
                let said = said[verdict.conclusion]
                if let fingerprint = verdict.fingerprint {
                    pen.write(texts, said.start)
                    pen.write(fingerprint)
                    pen.write(texts, said.end)
                } else {
                    // Without the quotes of the fingerprint.
                    pen.write(texts, said.start.dropLast())
                    pen.write("null")
                    pen.write(texts, said.end.dropFirst())
                }
            }
            count = pen.count
        }
    }

    /// How every verdict on a line of an input begins; `file` is the input's name, where there are several.
    static func beginning(file: String?) -> [UInt8] {
        let name = file.map { "\"file\":\(JSONValue.string($0).text)," } ?? ""
        return Array("{\(name)\"line\":".utf8)
    }
}

/// Writes bytes one behind the other into room that was counted before, as an array that grows takes twice the instructions.
///
/// `@safe` is sound because it is made and dropped while the room is lent, and writes nothing beyond that.
@safe
private struct Pen: ~Copyable {
    /// Most bytes of a number.
    static let numberBytes = 20
    /// Bytes of a fingerprint.
    static let fingerprintBytes = 32

    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableBufferPointer<UInt8>) { unsafe self.room = UnsafeMutableRawBufferPointer(room) }

    /// Whether so many bytes fit, which they do if room was counted rightly.
    @inline(__always)
    private func hasRoom(_ bytes: Int) -> Bool {
        let fits = unsafe bytes <= room.count - count
        assert(fits, "the room was not counted rightly")
        return fits
    }

    @inline(__always)
    mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        guard hasRoom(bytes.count) else { return }
        unsafe (room.baseAddress.unsafelyUnwrapped + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// Writes some bytes of a text without counting references, as a slice of it would.
    @inline(__always)
    mutating func write(_ text: [UInt8], _ place: Range<Int>) {
        unsafe text.withUnsafeBufferPointer { unsafe write(UnsafeBufferPointer(rebasing: $0[place])) }
    }

    mutating func write(_ text: StaticString) {
        unsafe write(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes the decimal digits of a number from 0 on.
    mutating func write(_ number: Int) {
        var rest = UInt64(truncatingIfNeeded: number)
        var (digits, power) = (1, UInt64(10))
        while rest >= power, digits < Self.numberBytes { (digits, power) = (digits + 1, power &* 10) }
        guard hasRoom(digits) else { return }
        let end = count &+ digits
        var place = end
        while place > count {
            place &-= 1
            unsafe room[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count = end
    }

    /// Writes the digits of a fingerprint.
    mutating func write(_ fingerprint: TokenFingerprint) {
        guard let digits = fingerprint.digits else { return }
        unsafe withUnsafeBytes(of: digits) { unsafe write($0.assumingMemoryBound(to: UInt8.self)) }
    }
}
