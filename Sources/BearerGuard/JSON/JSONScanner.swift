// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One strict pass over the text of an object (RFC 8259): checks every byte, notes where its members stand, and keeps the
/// limits while it goes.
///
/// The work is in proportion to the text, whatever is in it. Entries are counted over the whole text, as limits of tokens
/// have it; texts under other limits are shorter than those.
@safe
struct JSONScanner: ~Copyable {
    private let text: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private let table = TokenMember.table
    private var names: JSONNames
    /// A place for each ``TokenMember``, then the other members as they come.
    private var noted: ScratchStack<JSONMembers.Entry>
    /// Bit by bit, which of ``TokenMember`` were met.
    private(set) var present: UInt64 = 0
    /// Of all arrays, and of all objects.
    private var elements = 0
    private var members = 0
    /// The name with escapes that was met last, as it reads.
    private var decoded = ScratchStack<UInt8>()

    /// Enough for most tokens, and fourfold growth from there comes close above the limit of members.
    private static let nameBytes = JSONNames.bytes(16)
    private static let entryBytes = (TokenMember.count + 32) * MemoryLayout<JSONMembers.Entry>.stride
    /// Bytes to lend to a scanner.
    static let scratchBytes = nameBytes + entryBytes

    /// - Parameter scratch: ``scratchBytes`` of memory, aligned for any number.
    init(_ text: UnsafeBufferPointer<UInt8>, limits: JSONLimits, scratch: UnsafeMutableRawBufferPointer) {
        unsafe self.text = text
        self.limits = limits
        unsafe names = JSONNames(lent: UnsafeMutableRawBufferPointer(rebasing: scratch[..<Self.nameBytes]))
        unsafe noted = ScratchStack(lent: UnsafeMutableRawBufferPointer(rebasing: scratch[Self.nameBytes...]))
        noted.refill(JSONMembers.Entry(), count: TokenMember.count)
    }

    /// What was noted: a place for each ``TokenMember``, then the other members.
    var entries: [JSONMembers.Entry] { unsafe noted.withElements { unsafe Array($0) } }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Reads the whole text.
    mutating func outermost() throws(JSONError) {
        let start = skippingSpace(0)
        guard byte(start) == UInt8(ascii: "{") else {
            // Any other value is refused as well; which fault it is follows what it is.
            let end = unsafe start < text.count ? skippingSpace(try value(start, depth: 0).end) : start
            throw unsafe end < text.count || text.isEmpty ? .malformed : .notAnObject
        }
        let end = skippingSpace(try object(start, depth: 1))
        guard unsafe end == text.count else { throw .malformed }
    }

    /// The byte at a place; one that no rule takes at the end.
    @inline(__always)
    private func byte(_ at: Int) -> UInt8 { unsafe at < text.count ? unsafe text[at] : 0 }

    @inline(__always)
    private func skippingSpace(_ start: Int) -> Int {
        var at = start
        while unsafe at < text.count, unsafe text[at] <= 0x20, unsafe Self.isSpace(text[at]) { at &+= 1 }
        return at
    }

    // Everything from here on begins at a place and answers with the one behind what it read: places stay in registers,
    // where reading waits for nothing.

    private mutating func value(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        switch byte(start) {
        case UInt8(ascii: "\""):
            let (end, hasEscapes) = try string(start)
            return (hasEscapes ? .escapedString : .plainString, end)
        case UInt8(ascii: "{"):
            guard depth < limits.depth else { throw .tooDeep }
            return (.object, try object(start, depth: depth &+ 1))
        case UInt8(ascii: "["):
            guard depth < limits.depth else { throw .tooDeep }
            return try array(start, depth: depth &+ 1)
        case UInt8(ascii: "t"): return (.literalTrue, try unsafe Self.literal("true", in: text, at: start))
        case UInt8(ascii: "f"): return (.literalFalse, try unsafe Self.literal("false", in: text, at: start))
        case UInt8(ascii: "n"): return (.literalNull, try unsafe Self.literal("null", in: text, at: start))
        default: return try unsafe Self.number(in: text, at: start)
        }
    }

    private mutating func object(_ start: Int, depth: Int) throws(JSONError) -> Int {
        var at = skippingSpace(start &+ 1)
        if byte(at) == UInt8(ascii: "}") { return at &+ 1 }
        var scope = names.open()
        while true {
            guard byte(at) == UInt8(ascii: "\"") else { throw .malformed }
            members &+= 1
            if members > limits.elements { throw .tooManyElements }
            let (nameEnd, isEscaped) = try string(at)
            let name = at &+ 1..<nameEnd &- 1
            let member = try enter(name, isEscaped: isEscaped, isOutermost: depth == 1, &scope)
            let colon = skippingSpace(nameEnd)
            guard byte(colon) == UInt8(ascii: ":") else { throw .malformed }
            let start = skippingSpace(colon &+ 1)
            let (kind, end) = try value(start, depth: depth)
            if depth == 1 {
                let quote = kind.isText ? 1 : 0
                let value = start &+ quote..<end &- quote
                let entry = JSONMembers.Entry(name: name, hasEscapedName: isEscaped, value: value, kind: kind)
                if let member { noted[member.rawValue] = entry } else { noted.append(entry) }
            }
            let (next, isLast) = try separator(end, closing: UInt8(ascii: "}"))
            if isLast {
                names.close(scope)
                return next
            }
            at = next
        }
    }

    /// Notes a name, refuses it where its object has it already, and answers with the member that it is.
    @inline(__always)
    private mutating func enter(
        _ name: Range<Int>,
        isEscaped: Bool,
        isOutermost: Bool,
        _ scope: inout JSONNames.Scope
    ) throws(JSONError) -> TokenMember? {
        let (member, digest): (TokenMember?, UInt32)
        if isEscaped {
            decoded.shorten(to: 0)
            unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[name]), into: &decoded)
            (member, digest) = unsafe decoded.withElements { unsafe look(at: $0, 0..<$0.count, isOutermost) }
        } else {
            (member, digest) = unsafe look(at: text, name, isOutermost)
        }
        if let member {
            let bit: UInt64 = 1 << UInt64(member.rawValue)
            guard present & bit == 0 else { throw .duplicateMember }
            present |= bit
        } else {
            guard unsafe names.insert(name, digest: digest, &scope, in: text) else { throw .duplicateMember }
        }
        return member
    }

    /// Which member a name is of, or its digest.
    @inline(__always)
    private func look(
        at text: UnsafeBufferPointer<UInt8>,
        _ name: Range<Int>,
        _ isOutermost: Bool
    ) -> (TokenMember?, UInt32) {
        let word = unsafe TokenMemberTable.word(text, from: name.lowerBound, count: name.count)
        if isOutermost, let member = unsafe table.member(text, name, word: word) {
            return (member, 0)
        }
        return unsafe (nil, names.digest(text, name, word: word))
    }

    /// An array has nothing but plain strings, or is any other.
    private mutating func array(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        var at = skippingSpace(start &+ 1)
        if byte(at) == UInt8(ascii: "]") { return (.textArray, at &+ 1) }
        var kind = JSONMembers.Kind.textArray
        while true {
            elements &+= 1
            if elements > limits.elements { throw .tooManyElements }
            let (entry, end) = try value(at, depth: depth)
            if entry != .plainString { kind = .array }
            let (next, isLast) = try separator(end, closing: UInt8(ascii: "]"))
            if isLast { return (kind, next) }
            at = next
        }
    }

    /// What parts two entries, or ends the last one's object or array.
    @inline(__always)
    private func separator(_ start: Int, closing: UInt8) throws(JSONError) -> (end: Int, isLast: Bool) {
        let at = skippingSpace(start)
        let next = byte(at)
        if next == closing { return (at &+ 1, true) }
        guard next == UInt8(ascii: ",") else { throw .malformed }
        return (skippingSpace(at &+ 1), false)
    }

    // These two take the text alone: lent the scanner, they would be handed its bytes anew at each call.

    private static func literal(
        _ word: StaticString,
        in text: UnsafeBufferPointer<UInt8>,
        at start: Int
    ) throws(JSONError) -> Int {
        let count = word.utf8CodeUnitCount
        guard text.count &- start >= count else { throw .malformed }
        for offset in 0..<count where unsafe text[start &+ offset] != word.utf8Start[offset] { throw .malformed }
        return start &+ count
    }

    private static func number(
        in text: UnsafeBufferPointer<UInt8>,
        at start: Int
    ) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        // Nearly every number is a few digits and nothing else.
        var end = start
        while end < text.count, unsafe text[end] &- 0x30 < 10 { end &+= 1 }
        let digits = end &- start
        let isShort = digits > 0 && digits <= 18
        if unsafe isShort && end < text.count && (digits == 1 || text[start] != UInt8(ascii: "0"))
            && text[end] != UInt8(ascii: ".") && text[end] | 0x20 != UInt8(ascii: "e")
        {
            return (.integer, end)
        }
        guard let number = unsafe JSONNumber(in: text, at: start) else { throw .malformed }
        if number.isInteger, number.digits <= 18 { return (.integer, number.end) }
        let place = start..<number.end
        guard unsafe number.isFinite(UnsafeBufferPointer(rebasing: text[place])) else { throw .numberOutOfRange }
        return (.number, number.end)
    }

    /// A string, and whether it does not read as it is written.
    @inline(__always)
    private func string(_ start: Int) throws(JSONError) -> (end: Int, hasEscapes: Bool) {
        let text = unsafe text
        var at = start &+ 1
        var hasEscapes = false
        while true {
            at = unsafe JSONText.plainEnd(text, from: at)
            guard at < text.count else { throw .malformed }
            let byte = unsafe text[at]
            if byte == UInt8(ascii: "\"") { break }
            let next: Int?
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                next = unsafe JSONText.escapesEnd(text, at)
            } else {
                next = unsafe JSONText.scalarsEnd(text, at)
            }
            guard let next else { throw .malformed }
            at = next
        }
        guard at &- start &- 1 <= limits.stringBytes else { throw .stringTooLong }
        return (at &+ 1, hasEscapes)
    }
}
