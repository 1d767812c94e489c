// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// Where a line has the members that are looked at.
struct LineMembers {
    var token = JSONPlaces.Place.absent
    var id = JSONPlaces.Place.absent
    var time = JSONPlaces.Place.absent
}

extension LineMembers {
    /// What a reader finds in a line; nil where it finds no object, or one that does not read as it is written.
    init?(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, _ fields: CaptureFormat.Fields) {
        var members: LineMembers?
        unsafe JSONPlaces.read(text, line, limits: .document) { places in
            members = LineMembers(
                token: places.place(of: fields.token.member),
                id: fields.id.map { places.place(of: $0.member) } ?? .absent,
                time: fields.time.map { places.place(of: $0.member) } ?? .absent
            )
        }
        guard let members else { return nil }
        self = members
    }
}

/// How a line is written but for its strings and whole numbers: the lines of a capture mostly differ in nothing else.
///
/// It is made of a line that was read, and takes another one only where a reader would find the same: that line with other plain
/// values of the same kinds, the token apart. Any other it leaves to the reader, which alone knows what JSON is.
struct LineShape {
    private enum Role {
        case token, id, time, none
    }

    /// What lines have in front of a value, or behind the last one; the quotes of a string as well.
    private struct Fixed {
        let place: Range<Int>
        /// Its first bytes, and those behind them, as many as a word has; which bits count.
        let first: (bytes: UInt64, mask: UInt64)
        let second: (bytes: UInt64, mask: UInt64)

        /// Bytes of both words.
        static let wordBytes = 16

        init(_ bytes: [UInt8], from start: Int) {
            func word(_ bytes: ArraySlice<UInt8>) -> (UInt64, UInt64) {
                bytes.prefix(8).reversed().reduce((0, 0)) { ($0.0 << 8 | UInt64($1), $0.1 << 8 | 0xFF) }
            }
            place = start..<bytes.count
            first = word(bytes[start...])
            second = word(bytes[start...].dropFirst(8))
        }
    }

    private struct Value {
        let front: Fixed
        let isText: Bool
        let role: Role

        func place(_ range: Range<Int>) -> JSONPlaces.Place { isText ? .text(range) : .integer(range) }
    }

    /// All that is fixed.
    private let bytes: [UInt8]
    private let values: [Value]
    private let end: Fixed

    /// Most values of a line that has a shape: to make one of more would take longer than to read it.
    private static let mostValues = 64

    /// The shape of a line in which a reader found these members; nil for a line with a string that has more than plain bytes, or
    /// where one of the members is no value of its own that another line may have otherwise.
    init?(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>, _ members: LineMembers) {
        guard unsafe Self.hasRoom(text, line) else { return nil }
        func start(_ place: JSONPlaces.Place) -> Int? {
            switch place {
            case .text(let place), .integer(let place): place.lowerBound
            case .absent, .other: nil
            }
        }
        let (token, id, time) = (start(members.token), start(members.id), start(members.time))
        var bytes: [UInt8] = []
        var values: [Value] = []
        var front = 0
        func addValue(at start: Int, isText: Bool) {
            let role: Role = start == token ? .token : start == id ? .id : start == time ? .time : .none
            values.append(Value(front: Fixed(bytes, from: front), isText: isText, role: role))
            front = bytes.count
        }
        var at = line.lowerBound
        while at < line.upperBound {
            guard values.count <= Self.mostValues else { return nil }
            let byte = unsafe text[at]
            if byte == UInt8(ascii: "\"") {
                let end = unsafe JSONPlaces.plainEnd(text, from: at + 1)
                guard end < line.upperBound, unsafe text[end] == byte else { return nil }
                bytes.append(byte)
                if unsafe text[end + 1..<line.upperBound].first(where: { $0 > 0x20 }) == UInt8(ascii: ":") {
                    unsafe bytes += text[at + 1..<end]
                } else {
                    addValue(at: at + 1, isText: true)
                }
                bytes.append(byte)
                at = end + 1
            } else if Self.isOfNumber(byte) {
                let end = unsafe text[at..<line.upperBound].firstIndex { !Self.isOfNumber($0) } ?? line.upperBound
                // Numbers in another spelling are the same in all lines, or it is another shape.
                if unsafe Self.integerEnd(text, at) == end {
                    addValue(at: at, isText: false)
                } else {
                    unsafe bytes += text[at..<end]
                }
                at = end
            } else {
                bytes.append(byte)
                at += 1
            }
        }
        // A negative time is none, nor are two members that have one name.
        guard values.count(where: { $0.role != .none }) == [token, id, time].count(where: { $0 != nil }) else {
            return nil
        }
        self.bytes = bytes
        self.values = values
        end = Fixed(bytes, from: front)
    }

    /// Where a line has the members that are looked at; nil where it is of another shape.
    ///
    /// At what stands between the quotes of the token nobody has looked: it is long, and mostly known.
    func members(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> LineMembers? {
        guard unsafe Self.hasRoom(text, line) else { return nil }
        var members = LineMembers()
        var at = line.lowerBound
        for value in values {
            guard unsafe has(value.front, text, at, line.upperBound) else { return nil }
            let start = at &+ value.front.place.count
            if value.isText {
                // Whether a quote ends it, what is fixed behind it tells.
                if value.role == .token {
                    unsafe at =
                        text.position(of: UInt8(ascii: "\""), from: start, to: line.upperBound) ?? line.upperBound
                } else {
                    unsafe at = JSONPlaces.plainEnd(text, from: start)
                }
            } else {
                unsafe at = Self.integerEnd(text, start)
                guard at > start else { return nil }
            }
            switch value.role {
            case .none: break
            case .token: members.token = value.place(start..<at)
            case .id: members.id = value.place(start..<at)
            case .time: members.time = value.place(start..<at)
            }
        }
        guard unsafe has(end, text, at, line.upperBound), at &+ end.place.count == line.upperBound else { return nil }
        return members
    }

    /// Whether words at all places of a line can be read without a look at the end of the text.
    ///
    /// A longer line has another reader, which may read other numbers out of it.
    private static func hasRoom(_ text: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) -> Bool {
        line.upperBound <= text.count - Fixed.wordBytes && line.count <= JSONMembers.maximumBytes
    }

    /// Whether the line has these bytes at a place.
    @inline(__always)
    private func has(_ fixed: Fixed, _ text: UnsafeBufferPointer<UInt8>, _ at: Int, _ lineEnd: Int) -> Bool {
        func differs(_ fixed: (bytes: UInt64, mask: UInt64), _ at: Int) -> Bool {
            (unsafe Self.word(text, at) ^ fixed.bytes) & fixed.mask != 0
        }
        let count = fixed.place.count
        guard at &+ count <= lineEnd, !differs(fixed.first, at), !differs(fixed.second, at &+ 8) else { return false }
        if count <= Fixed.wordBytes { return true }
        let rest = unsafe UnsafeBufferPointer(rebasing: text[at &+ Fixed.wordBytes..<at &+ count])
        return unsafe rest.isSame(as: bytes, at: fixed.place.dropFirst(Fixed.wordBytes))
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool { isDigit(byte) || "+-.eE".utf8.contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    /// The place behind a whole number from 0 on, of no more digits than two words have; `start` where there is none.
    @inline(__always)
    private static func integerEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var count = digits(unsafe word(text, start))
        if count == 8 {
            count &+= digits(unsafe word(text, start &+ 8))
            if count == 16, unsafe isDigit(text[start &+ 16]) { return start }
        }
        return unsafe count > 1 && text[start] == UInt8(ascii: "0") ? start : start &+ count
    }

    /// How many bytes of a word are digits, from the lowest one on.
    @inline(__always)
    private static func digits(_ word: UInt64) -> Int {
        let values = word ^ 0x3030_3030_3030_3030
        // A byte's top bit is set where it is more than 9; what a carry sets wrongly stands above one that is.
        let others = (values | (values &+ 0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080
        return others.trailingZeroBitCount / 8
    }

    /// Eight bytes, the first one lowest, which the text must have.
    @inline(__always)
    private static func word(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt64 {
        let base = unsafe UnsafeRawPointer(text.baseAddress.unsafelyUnwrapped)
        return unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
    }
}
