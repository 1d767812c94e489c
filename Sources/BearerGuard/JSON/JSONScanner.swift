// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One strict pass over the text of an object (RFC 8259): checks every byte, notes where its members stand, and keeps the
/// limits while it goes.
///
/// The work is in proportion to the text, whatever is in it.
@safe
struct JSONScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private var position = 0
    private var entries: [JSONMembers.Entry]
    /// Bit by bit, which of ``TokenMember`` were met.
    private(set) var present: UInt64 = 0
    /// The name with escapes that was met last, as it reads.
    private var decoded: [UInt8] = []
    private let known = TokenMember.table
    private let seed = JSONNames.seed

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        unsafe self.bytes = bytes
        self.limits = limits
        // Room for as many again as most tokens have.
        entries = unsafe [JSONMembers.Entry](unsafeUninitializedCapacity: TokenMember.count + 16) { buffer, count in
            unsafe buffer[..<TokenMember.count].initialize(repeating: JSONMembers.Entry())
            count = TokenMember.count
        }
    }

    /// What was noted, once.
    mutating func takeEntries() -> [JSONMembers.Entry] {
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

    @inline(__always)
    private mutating func skipSpace() {
        while unsafe position < bytes.count, unsafe bytes[position] <= 0x20, unsafe Self.isSpace(bytes[position]) {
            position &+= 1
        }
    }

    /// Steps over the value that begins here.
    private mutating func value(depth: Int) throws(JSONError) -> JSONMembers.Kind {
        switch peek {
        case UInt8(ascii: "\""): return try string() ? .escapedString : .plainString
        case UInt8(ascii: "{"):
            guard depth < limits.depth else { throw .tooDeep }
            try object(depth: depth &+ 1)
            return .object
        case UInt8(ascii: "["):
            guard depth < limits.depth else { throw .tooDeep }
            return try array(depth: depth &+ 1) ? .textArray : .array
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
        var names = JSONNames(first: entries.count)
        defer { if !isOutermost { entries.removeLast(entries.count &- names.first) } }
        var count = 0
        while true {
            guard peek == UInt8(ascii: "\"") else { throw .malformed }
            count &+= 1
            if count > limits.elements { throw .tooManyElements }
            var (entry, member) = try name(&names, isOutermost: isOutermost)
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw .malformed }
            position &+= 1
            skipSpace()
            let start = position
            let kind = try value(depth: depth)
            let quote = kind.isText ? 1 : 0
            entry.valueStart = UInt16(truncatingIfNeeded: start &+ quote)
            entry.valueEnd = UInt16(truncatingIfNeeded: position &- quote)
            entry.kind = kind
            // Members of the value have come and gone meanwhile.
            if let member { entries[member.rawValue] = entry } else { entries.append(entry) }
            skipSpace()
            let next = peek
            position &+= 1
            if next == UInt8(ascii: "}") { return }
            guard next == UInt8(ascii: ",") else { throw .malformed }
            skipSpace()
        }
    }

    /// Steps over the name that begins here and refuses it where it was met before; answers with its entry, which has no
    /// value yet, and the member that it is.
    @inline(__always)
    private mutating func name(
        _ names: inout JSONNames,
        isOutermost: Bool
    ) throws(JSONError) -> (JSONMembers.Entry, TokenMember?) {
        let start = position &+ 1
        var entry = JSONMembers.Entry()
        entry.hasEscapedName = try string()
        entry.nameStart = UInt16(truncatingIfNeeded: start)
        entry.nameEnd = UInt16(truncatingIfNeeded: position &- 1)
        var member: TokenMember?
        if entry.hasEscapedName {
            decoded.removeAll(keepingCapacity: true)
            unsafe JSONText.decode(UnsafeBufferPointer(rebasing: bytes[entry.name]), into: &decoded)
            (member, entry.digest) = unsafe decoded.withUnsafeBufferPointer {
                unsafe look(at: $0, 0..<$0.count, isOutermost)
            }
        } else {
            (member, entry.digest) = unsafe look(at: bytes, entry.name, isOutermost)
        }
        if let member {
            let bit: UInt64 = 1 << UInt64(member.rawValue)
            guard present & bit == 0 else { throw .duplicateMember }
            present |= bit
            return (entry, member)
        }
        guard unsafe names.isNew(entry, among: entries, in: bytes) else { throw .duplicateMember }
        return (entry, nil)
    }

    /// Which member a name is of, or its digest.
    @inline(__always)
    private func look(
        at text: UnsafeBufferPointer<UInt8>,
        _ name: Range<Int>,
        _ isOutermost: Bool
    ) -> (TokenMember?, UInt32) {
        let word = unsafe TokenMemberTable.word(text, from: name.lowerBound, count: name.count)
        if isOutermost, let member = unsafe known.member(UnsafeBufferPointer(rebasing: text[name]), word: word) {
            return (member, 0)
        }
        return unsafe (nil, JSONNames.digest(text, name, word: word, seed: seed))
    }

    /// Steps over the array that begins here; true where it has nothing but plain strings.
    private mutating func array(depth: Int) throws(JSONError) -> Bool {
        position &+= 1
        skipSpace()
        if peek == UInt8(ascii: "]") {
            position &+= 1
            return true
        }
        var hasOnlyTexts = true
        var count = 0
        while true {
            count &+= 1
            if count > limits.elements { throw .tooManyElements }
            if try value(depth: depth) != .plainString { hasOnlyTexts = false }
            skipSpace()
            let next = peek
            position &+= 1
            if next == UInt8(ascii: "]") { return hasOnlyTexts }
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

    private mutating func number() throws(JSONError) -> JSONMembers.Kind {
        // Nearly every number is a few digits and nothing else.
        var end = position
        while unsafe end < bytes.count, unsafe bytes[end] &- 0x30 < 10 { end &+= 1 }
        let digits = end &- position
        let isShort = digits > 0 && digits <= 18
        if unsafe isShort && end < bytes.count && (digits == 1 || bytes[position] != UInt8(ascii: "0"))
            && bytes[end] != UInt8(ascii: ".") && bytes[end] | 0x20 != UInt8(ascii: "e")
        {
            position = end
            return .integer
        }
        let number = unsafe JSONNumber(in: bytes, at: position)
        guard let number else { throw .malformed }
        let place = position..<number.end
        position = number.end
        if number.isInteger, number.digits <= 18 { return .integer }
        guard unsafe number.isFinite(UnsafeBufferPointer(rebasing: bytes[place])) else { throw .numberOutOfRange }
        return .number
    }

    /// Steps over the string that begins here; true where it does not read as it is written.
    @inline(__always)
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
        guard at &- start <= limits.stringBytes else { throw .stringTooLong }
        position = at &+ 1
        return hasEscapes
    }
}
