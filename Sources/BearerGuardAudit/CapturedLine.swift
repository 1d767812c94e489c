// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// One line of a capture, as far as it is looked at.
///
/// `@safe` is sound because it is made and dropped while its batch is lent, and its places are within that.
@safe
struct CapturedLine {
    /// Bytes of a line.
    enum Text {
        /// They stand there in the batch.
        case place(Range<Int>)
        /// They do not read as they are written.
        case made([UInt8])
    }

    enum Content {
        case token(Text)
        /// A line in which no token can be found, and why.
        case unreadable(String)
    }

    private let batch: UnsafeBufferPointer<UInt8>
    let number: Int
    let content: Content
    /// What names the line, as JSON in ASCII.
    let id: Text?
    let time: UnixTime?

    /// Reads one line of a batch; nil for an empty one.
    init?(_ batch: UnsafeBufferPointer<UInt8>, _ place: Range<Int>, number: Int, _ fields: CaptureFormat.Fields?) {
        var end = place.upperBound
        while end > place.lowerBound, unsafe batch[end - 1] == UInt8(ascii: "\r") || batch[end - 1] == UInt8(ascii: " ")
        {
            end -= 1
        }
        guard place.lowerBound < end else { return nil }
        let place = place.lowerBound..<end
        unsafe self.batch = batch
        self.number = number
        guard let fields else {
            (content, id, time) = (.token(unsafe .place(Self.withoutScheme(batch, place))), nil, nil)
            return
        }
        if let parts = unsafe Self.places(batch, place, fields) {
            (content, id, time) = (.token(.place(parts.token)), parts.id.map { .place($0) }, parts.time)
        } else {
            (content, id, time) = unsafe Self.values(Array(batch[place])[...], fields)
        }
    }

    /// Lends the bytes of one of its texts.
    @inline(__always)
    func withBytes<Value>(of text: Text, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        switch text {
        case .place(let place): unsafe body(UnsafeBufferPointer(rebasing: batch[place]))
        case .made(let bytes): unsafe bytes.withUnsafeBufferPointer(body)
        }
    }

    /// The parts of a line that reads as it is written, as nearly every one does; nil for any other.
    @inline(__always)
    private static func places(
        _ batch: UnsafeBufferPointer<UInt8>,
        _ line: Range<Int>,
        _ fields: CaptureFormat.Fields
    ) -> (token: Range<Int>, id: Range<Int>?, time: UnixTime?)? {
        let text = unsafe UnsafeBufferPointer(rebasing: batch[line])
        var parts: (token: Range<Int>, id: Range<Int>?, time: UnixTime?)?
        unsafe JSONPlaces.read(text, limits: .document) { members in
            guard case .text(let token) = members.place(of: fields.token.bytes) else { return }
            var id: Range<Int>?
            switch members.place(of: fields.id.bytes) {
            case .absent: break
            case .text(let text) where members.isPrintable(text): id = text.lowerBound - 1..<text.upperBound + 1
            // Of zero there are two spellings.
            case .integer(let number) where unsafe text[number.lowerBound] != UInt8(ascii: "-"): id = number
            default: return
            }
            var time: UnixTime?
            if let field = fields.time {
                switch members.place(of: field.bytes) {
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
    private static func values(
        _ line: ArraySlice<UInt8>,
        _ fields: CaptureFormat.Fields
    ) -> (Content, id: Text?, UnixTime?) {
        guard let object = try? JSONObject(tokenText: line, limits: .document) else {
            return (.unreadable("not a JSON object"), nil, nil)
        }
        let id = object[fields.id.name].map { Text.made(Array($0.text.utf8)) }
        let time = fields.time.flatMap { object[$0.name] }.flatMap(UnixTime.init(captured:))
        guard let token = object[fields.token.name]?.stringValue else {
            return (.unreadable("no member '\(fields.token.name)' with a token"), id, time)
        }
        return (.token(.made(withoutScheme(Array(token.utf8)))), id, time)
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
