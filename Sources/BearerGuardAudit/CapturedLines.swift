// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// One line of a capture, as far as it is looked at: plain values, which count no references.
struct CapturedLine {
    /// Bytes of a line.
    struct Text {
        fileprivate let place: Range<Int>
        /// Whether they do not read as they are written: they stand among bytes that were made, not in the batch.
        fileprivate let isMade: Bool

        var count: Int { place.count }
    }

    enum Content {
        case token(Text)
        case noObject
        case noToken
    }

    let number: Int
    let content: Content
    /// What names the line, as JSON in ASCII.
    let id: Text?
    /// When its token is to be judged at; nil where nobody says.
    let time: UnixTime?
}

/// The lines of a batch, without empty ones.
///
/// `@safe` is sound because it is made and dropped while its batch is lent, and the places of its lines are within that.
@safe
struct CapturedLines {
    private let batch: UnsafeBufferPointer<UInt8>
    private var made: [UInt8] = []
    private(set) var all: [CapturedLine] = []
    private var numbers = Numbers()

    /// Which members of a line are looked at: where the last one had them.
    private struct Numbers {
        var token = 0
        var id = 0
        var time = 0
    }

    /// Reads the lines of a batch.
    ///
    /// - Parameters:
    ///   - bytes: those of the batch.
    ///   - time: when all tokens are judged at; nil where lines say so.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>,
        of batch: CaptureReader.Batch,
        _ format: CaptureFormat,
        at time: UnixTime?
    ) {
        unsafe self.batch = bytes
        all.reserveCapacity(batch.ends.count)
        // Asked once, as references are counted for that.
        if let fields = format.fields {
            Self.forEachLine(of: batch) { read($0, number: $1, fields, at: time) }
        } else {
            Self.forEachLine(of: batch) { read($0, number: $1, at: time) }
        }
    }

    private static func forEachLine(of batch: CaptureReader.Batch, _ body: (Range<Int>, Int) -> Void) {
        var number = batch.firstLine
        var start = 0
        for end in batch.ends {
            // Of a longer line no more is there, or might be.
            body(start..<min(end, start + CaptureReader.lineBytes), number)
            number += 1
            start = end + 1
        }
    }

    /// Lends the bytes of a text of one of the lines.
    @inline(__always)
    func withBytes<Value>(of text: CapturedLine.Text, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        if !text.isMade { return unsafe body(UnsafeBufferPointer(rebasing: batch[text.place])) }
        return unsafe made.withUnsafeBufferPointer { unsafe body(UnsafeBufferPointer(rebasing: $0[text.place])) }
    }

    /// Reads a line that is a token.
    private mutating func read(_ place: Range<Int>, number: Int, at time: UnixTime?) {
        guard let place = withoutEnd(place) else { return }
        let token = CapturedLine.Text(place: unsafe Self.withoutScheme(batch, place), isMade: false)
        all.append(CapturedLine(number: number, content: .token(token), id: nil, time: time))
    }

    /// Reads a line that is an object.
    private mutating func read(_ place: Range<Int>, number: Int, _ fields: CaptureFormat.Fields, at given: UnixTime?) {
        guard let place = withoutEnd(place) else { return }
        let (content, id, time): (CapturedLine.Content, CapturedLine.Text?, UnixTime?)
        if let parts = unsafe Self.places(batch, place, fields, &numbers) {
            content = .token(CapturedLine.Text(place: parts.token, isMade: false))
            id = parts.id.map { CapturedLine.Text(place: $0, isMade: false) }
            time = parts.time
        } else {
            (content, id, time) = unsafe values(Array(batch[place])[...], fields)
        }
        all.append(CapturedLine(number: number, content: content, id: id, time: given ?? time))
    }

    /// A line without spaces at its end; nil where there is nothing else.
    private func withoutEnd(_ line: Range<Int>) -> Range<Int>? {
        var end = line.upperBound
        while end > line.lowerBound, unsafe batch[end - 1] == UInt8(ascii: "\r") || batch[end - 1] == UInt8(ascii: " ")
        {
            end -= 1
        }
        return line.lowerBound < end ? line.lowerBound..<end : nil
    }

    /// The parts of a line that reads as it is written, as nearly every one does; nil for any other.
    @inline(__always)
    private static func places(
        _ batch: UnsafeBufferPointer<UInt8>,
        _ line: Range<Int>,
        _ fields: CaptureFormat.Fields,
        _ numbers: inout Numbers
    ) -> (token: Range<Int>, id: Range<Int>?, time: UnixTime?)? {
        let text = unsafe UnsafeBufferPointer(rebasing: batch[line])
        var parts: (token: Range<Int>, id: Range<Int>?, time: UnixTime?)?
        unsafe JSONPlaces.read(text, limits: .document) { members in
            guard case .text(let token) = members.place(of: fields.token.member, near: &numbers.token) else { return }
            var id: Range<Int>?
            switch members.place(of: fields.id.member, near: &numbers.id) {
            case .absent: break
            case .text(let text) where members.isPrintable(text): id = text.lowerBound - 1..<text.upperBound + 1
            // Of zero there are two spellings.
            case .integer(let number) where unsafe text[number.lowerBound] != UInt8(ascii: "-"): id = number
            default: return
            }
            var time: UnixTime?
            if let field = fields.time {
                switch members.place(of: field.member, near: &numbers.time) {
                case .absent: break
                case .text(let place), .integer(let place):
                    unsafe time = UnixTime(text: String(decoding: text[place], as: UTF8.self))
                case .other: return
                }
            }
            func inBatch(_ place: Range<Int>) -> Range<Int> {
                line.lowerBound + place.lowerBound..<line.lowerBound + place.upperBound
            }
            unsafe parts = (withoutScheme(batch, inBatch(token)), id.map(inBatch), time)
        }
        return parts
    }

    /// The parts of any line.
    private mutating func values(
        _ line: ArraySlice<UInt8>,
        _ fields: CaptureFormat.Fields
    ) -> (CapturedLine.Content, id: CapturedLine.Text?, UnixTime?) {
        guard let object = try? JSONObject(tokenText: line, limits: .document) else { return (.noObject, nil, nil) }
        let id = object[fields.id.name].map { make(Array($0.text.utf8)) }
        let time = fields.time.flatMap { object[$0.name] }.flatMap(UnixTime.init(captured:))
        guard let token = object[fields.token.name]?.stringValue else { return (.noToken, id, time) }
        return (.token(make(Self.withoutScheme(Array(token.utf8)))), id, time)
    }

    private mutating func make(_ bytes: [UInt8]) -> CapturedLine.Text {
        made += bytes
        return CapturedLine.Text(place: made.count - bytes.count..<made.count, isMade: true)
    }

    /// The token of a field that stands alone.
    static func withoutScheme(_ field: [UInt8]) -> [UInt8] {
        Array(field[unsafe field.withUnsafeBufferPointer { unsafe withoutScheme($0, 0..<$0.count) }])
    }

    /// The token of a captured `Authorization` field (RFC 6750 §2.1), with its name or without.
    @inline(__always)
    private static func withoutScheme(_ text: UnsafeBufferPointer<UInt8>, _ place: Range<Int>) -> Range<Int> {
        guard let first = unsafe text[place].first, first | 0x20 <= UInt8(ascii: "b") else { return place }
        return unsafe without("bearer ", text, without("authorization:", text, place))
    }

    /// What follows a word in lower case, in any case, and the spaces behind it; all where it does not begin with that.
    private static func without(
        _ word: StaticString,
        _ text: UnsafeBufferPointer<UInt8>,
        _ place: Range<Int>
    ) -> Range<Int> {
        let count = word.utf8CodeUnitCount
        guard place.count >= count else { return place }
        for offset in 0..<count {
            let (byte, wanted) = unsafe (text[place.lowerBound + offset], word.utf8Start[offset])
            guard byte == wanted || wanted >= UInt8(ascii: "a") && byte | 0x20 == wanted else { return place }
        }
        var start = place.lowerBound + count
        while start < place.upperBound, unsafe text[start] == UInt8(ascii: " ") { start += 1 }
        return start..<place.upperBound
    }
}

extension UnixTime {
    /// Reads a time that a capture states.
    fileprivate init?(captured value: JSONValue) {
        if let text = value.stringValue {
            self.init(text: text)
        } else {
            guard let time = UnixTime(value), time <= .lastInText else { return nil }
            self = time
        }
    }
}
