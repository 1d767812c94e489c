// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One strict pass over the text of an object (RFC 8259): checks every byte, notes where its members stand, and keeps the
/// limits of tokens while it goes.
///
/// The work is in proportion to the text, whatever is in it.
@safe
struct JSONScanner {
    private static let limits = JSONLimits.token

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var entries: [JSONMemberIndex.Entry]
    /// Bit by bit, which of ``TokenMember`` were met.
    private(set) var present: UInt64 = 0
    private var names = JSONNames()
    private let known = TokenMember.table

    init(bytes: UnsafeBufferPointer<UInt8>) {
        unsafe self.bytes = bytes
        let count = TokenMember.allCases.count
        var entries: [JSONMemberIndex.Entry] = []
        entries.reserveCapacity(count + 16)
        entries.append(contentsOf: repeatElement(JSONMemberIndex.Entry(), count: count))
        self.entries = entries
    }

    /// What was noted, once.
    mutating func takeEntries() -> [JSONMemberIndex.Entry] {
        defer { entries = [] }
        return entries
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Reads the whole text.
    mutating func outermost() throws(JSONError) {
        skipSpace()
        guard peek == UInt8(ascii: "{") else {
            // Any other value is refused as well; which fault it is follows what it is.
            if unsafe position < bytes.count { _ = try value(depth: 0) }
            skipSpace()
            throw unsafe position < bytes.count || bytes.isEmpty ? .malformed : .notAnObject
        }
        try object(depth: 1)
        skipSpace()
        guard unsafe position == bytes.count else { throw .malformed }
    }

    /// The byte at hand; one that no rule takes at the end.
    private var peek: UInt8 { unsafe position < bytes.count ? unsafe bytes[position] : 0 }

    private mutating func skipSpace() {
        while unsafe position < bytes.count, unsafe bytes[position] <= 0x20, unsafe Self.isSpace(bytes[position]) {
            position &+= 1
        }
    }

    /// Steps over the value that begins here.
    private mutating func value(depth: Int) throws(JSONError) -> JSONMemberIndex.Kind {
        switch peek {
        case UInt8(ascii: "\""): return try string() ? .escapedString : .plainString
        case UInt8(ascii: "{"):
            guard depth < Self.limits.depth else { throw .tooDeep }
            try object(depth: depth &+ 1)
            return .object
        case UInt8(ascii: "["):
            guard depth < Self.limits.depth else { throw .tooDeep }
            try array(depth: depth &+ 1)
            return .array
        case UInt8(ascii: "t"):
            try literal("true")
            return .literalTrue
        case UInt8(ascii: "f"):
            try literal("false")
            return .literalFalse
        case UInt8(ascii: "n"):
            try literal("null")
            return .literalNull
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(JSONError) {
        position &+= 1
        skipSpace()
        if peek == UInt8(ascii: "}") {
            position &+= 1
            return
        }
        let isOutermost = depth == 1
        var opened = names.open()
        defer { names.close(opened) }
        var count = 0
        while true {
            guard peek == UInt8(ascii: "\"") else { throw .malformed }
            count &+= 1
            if count > Self.limits.elements { throw .tooManyElements }
            let nameStart = position &+ 1
            let hasEscapes = try string()
            let nameEnd = position &- 1
            let slot = try note(nameStart..<nameEnd, hasEscapes: hasEscapes, isOutermost: isOutermost, &opened)
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw .malformed }
            position &+= 1
            skipSpace()
            let start = position
            let kind = try value(depth: depth)
            if isOutermost {
                let quote = kind.isText ? 1 : 0
                entries[slot] = JSONMemberIndex.Entry(
                    nameStart: UInt16(truncatingIfNeeded: nameStart),
                    nameEnd: UInt16(truncatingIfNeeded: nameEnd),
                    valueStart: UInt16(truncatingIfNeeded: start &+ quote),
                    valueEnd: UInt16(truncatingIfNeeded: position &- quote),
                    kind: kind,
                    hasEscapedName: hasEscapes
                )
            }
            skipSpace()
            let next = peek
            position &+= 1
            if next == UInt8(ascii: "}") { return }
            guard next == UInt8(ascii: ",") else { throw .malformed }
            skipSpace()
        }
    }

    /// Notes a name and refuses it where it was met before; answers with the place of its member.
    private mutating func note(
        _ place: Range<Int>,
        hasEscapes: Bool,
        isOutermost: Bool,
        _ opened: inout JSONNames.Object
    ) throws(JSONError) -> Int {
        if isOutermost {
            let member =
                hasEscapes
                ? unsafe names.withDecoded(place, in: bytes) { unsafe known.member($0) }
                : unsafe known.member(UnsafeBufferPointer(rebasing: bytes[place]))
            if let member {
                let bit: UInt64 = 1 << UInt64(member.rawValue)
                guard present & bit == 0 else { throw .duplicateMember }
                present |= bit
                return member.rawValue
            }
        }
        guard unsafe names.insert(place, hasEscapes: hasEscapes, in: bytes, &opened) else { throw .duplicateMember }
        if isOutermost { entries.append(JSONMemberIndex.Entry()) }
        return entries.count &- 1
    }

    private mutating func array(depth: Int) throws(JSONError) {
        position &+= 1
        skipSpace()
        if peek == UInt8(ascii: "]") {
            position &+= 1
            return
        }
        var count = 0
        while true {
            count &+= 1
            if count > Self.limits.elements { throw .tooManyElements }
            _ = try value(depth: depth)
            skipSpace()
            let next = peek
            position &+= 1
            if next == UInt8(ascii: "]") { return }
            guard next == UInt8(ascii: ",") else { throw .malformed }
            skipSpace()
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        let count = word.utf8CodeUnitCount
        guard unsafe bytes.count &- position >= count else { throw .malformed }
        for offset in 0..<count where unsafe bytes[position &+ offset] != word.utf8Start[offset] { throw .malformed }
        position &+= count
    }

    private mutating func number() throws(JSONError) -> JSONMemberIndex.Kind {
        let number = unsafe JSONNumber(in: bytes, at: position)
        guard let number else { throw .malformed }
        let place = position..<number.end
        position = number.end
        if number.isInteger, number.digits <= 18 { return .integer }
        guard unsafe number.isFinite(UnsafeBufferPointer(rebasing: bytes[place])) else { throw .numberOutOfRange }
        return .number
    }

    /// Steps over the string that begins here; true where it does not read as it is written.
    private mutating func string() throws(JSONError) -> Bool {
        let start = position &+ 1
        let text = unsafe bytes
        var at = start
        var hasEscapes = false
        while true {
            at = unsafe JSONText.plainEnd(text, from: at)
            guard at < text.count else { throw .malformed }
            let byte = unsafe text[at]
            if byte == UInt8(ascii: "\"") { break }
            let next = unsafe byte == UInt8(ascii: "\\") ? JSONText.escapeEnd(text, at) : JSONText.scalarEnd(text, at)
            guard let next else { throw .malformed }
            if byte == UInt8(ascii: "\\") { hasEscapes = true }
            at = next
        }
        guard at &- start <= Self.limits.stringBytes else { throw .stringTooLong }
        position = at &+ 1
        return hasEscapes
    }
}
