// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// One line of a capture, as far as it is looked at: plain values, which count no references, and are few bytes, as all lines
/// of a batch are gone through several times.
struct CapturedLine {
    /// A range of bytes; a batch has fewer of them than 32 bits count.
    struct Place {
        private let start: Int32
        private let end: Int32

        init(_ range: Range<Int>) {
            start = Int32(truncatingIfNeeded: range.lowerBound)
            end = Int32(truncatingIfNeeded: range.upperBound)
        }

        var range: Range<Int> { Int(start)..<Int(end) }
    }

    /// Bytes of a line.
    struct Text {
        private let bytes: Place
        /// Whether they do not read as they are written: they stand among bytes that were made, not in the batch.
        fileprivate let isMade: Bool

        fileprivate init(place: Range<Int>, isMade: Bool) {
            bytes = Place(place)
            self.isMade = isMade
        }

        fileprivate var place: Range<Int> { bytes.range }
        var count: Int { place.count }
    }

    enum Content {
        case token(Text)
        /// Nil where it is longer than a line may be.
        case noObject(JSONError?)
        case noToken
    }

    let number: Int
    let content: Content
    /// What names the line, as JSON in ASCII.
    let id: Text?
    /// When its token is to be judged at; nil where nobody says.
    let time: UnixTime?
    /// The whole line, where what stands between the quotes of its token was not looked at.
    let unread: Place?
}

extension CapturedLine {
    fileprivate init(number: Int, _ parts: CapturedLines.Parts, at given: UnixTime?, unread: Range<Int>?) {
        self.number = number
        content = .token(Text(place: parts.token, isMade: false))
        id = parts.id.map { Text(place: $0, isMade: false) }
        time = given ?? parts.time
        self.unread = unread.map(Place.init)
    }
}

/// The lines of a batch, without empty ones.
///
/// `@safe` is sound because it is made and dropped while its batch is lent, and the places of its lines are within that.
@safe
struct CapturedLines {
    private let batch: UnsafeBufferPointer<UInt8>
    private var made: [UInt8] = []
    private(set) var all: [CapturedLine] = []
    /// That of an earlier line, and whether the last one had it.
    private var shape: LineShape?
    private var hadShape = false
    /// How many more may be made: where hardly two lines have the same, to make one is in vain.
    private var shapesLeft = 16

    /// What is looked at of a line that reads as it is written.
    fileprivate struct Parts {
        let token: Range<Int>
        let id: Range<Int>?
        let time: UnixTime?
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
        all.append(CapturedLine(number: number, content: .token(token), id: nil, time: time, unread: nil))
    }

    /// Reads a line that is an object.
    private mutating func read(_ place: Range<Int>, number: Int, _ fields: CaptureFormat.Fields, at given: UnixTime?) {
        guard let place = withoutEnd(place) else { return }
        if let members = unsafe shape?.members(batch, place), let parts = parts(members) {
            hadShape = true
            all.append(CapturedLine(number: number, parts, at: given, unread: place))
            return
        }
        let (line, members) = line(place, number: number, fields, at: given)
        all.append(line)
        // One line of another shape, or of none, is no reason to give up this one.
        if !hadShape, shapesLeft > 0, let members {
            shapesLeft -= 1
            if let other = unsafe LineShape(batch, place, members) { shape = other }
        }
        hadShape = false
    }

    /// Looks at what was left unread of a line, for whoever does not know its token.
    mutating func settle(_ index: Int, _ fields: CaptureFormat.Fields, at given: UnixTime?) {
        guard let place = all[index].unread?.range, case .token(let token) = all[index].content,
            unsafe JSONPlaces.plainEnd(batch, from: token.place.lowerBound) < token.place.upperBound
        else { return }
        all[index] = line(place, number: all[index].number, fields, at: given).line
    }

    /// Any line that is an object, or should be, and where it has its members if it reads as it is written.
    private mutating func line(
        _ place: Range<Int>,
        number: Int,
        _ fields: CaptureFormat.Fields,
        at given: UnixTime?
    ) -> (line: CapturedLine, members: LineMembers?) {
        if let members = unsafe LineMembers(batch, place, fields), let parts = parts(members) {
            return (CapturedLine(number: number, parts, at: given, unread: nil), members)
        }
        let (content, id, time) = unsafe values(Array(batch[place])[...], fields)
        return (CapturedLine(number: number, content: content, id: id, time: given ?? time, unread: nil), nil)
    }

    /// A line without spaces at its end; nil where there is nothing else.
    private func withoutEnd(_ line: Range<Int>) -> Range<Int>? {
        var end = line.upperBound
        while end > line.lowerBound, unsafe batch[end - 1].isSpace { end -= 1 }
        return line.lowerBound < end ? line.lowerBound..<end : nil
    }

    /// The parts of a line that reads as it is written, as nearly every one does; nil for any other.
    @inline(__always)
    private func parts(_ members: LineMembers) -> Parts? {
        guard case .text(let token) = members.token else { return nil }
        var id: Range<Int>?
        switch members.id {
        case .absent: break
        case .text(let text) where unsafe batch[text].allSatisfy({ 0x20..<0x7F ~= $0 }):
            id = text.lowerBound - 1..<text.upperBound + 1
        case .integer(let number): id = number
        default: return nil
        }
        var time: UnixTime?
        switch members.time {
        case .absent: break
        case .text(let place), .integer(let place):
            unsafe time = UnixTime(text: String(decoding: batch[place], as: UTF8.self))
        case .other: return nil
        }
        return unsafe Parts(token: Self.withoutScheme(batch, token), id: id, time: time)
    }

    /// The parts of any line.
    private mutating func values(
        _ line: ArraySlice<UInt8>,
        _ fields: CaptureFormat.Fields
    ) -> (CapturedLine.Content, id: CapturedLine.Text?, UnixTime?) {
        let object: JSONObject
        do throws(JSONError) {
            object = try JSONObject(tokenText: line, limits: .document)
        } catch {
            return (.noObject(line.count < CaptureReader.lineBytes ? error : nil), nil, nil)
        }
        let id = fields.id.flatMap { field in
            // Numbers that are written differently may have one value, and name two lines.
            object.numberText(field.name).map(Array.init) ?? object[field.name].map { Array($0.text.utf8) }
        }.map { make($0) }
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
