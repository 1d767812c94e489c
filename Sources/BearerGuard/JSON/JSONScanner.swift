// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One strict pass over the text of an object (RFC 8259): checks every byte, notes where its members stand, and keeps the
/// limits while it goes.
///
/// The work is in proportion to the text, whatever is in it. Entries are counted over the whole text, as limits of tokens
/// have it; texts under other limits are shorter than those.
///
/// Hardly a byte is read with a look at the end of the text. Its last one is a closing brace, so that whatever steps from byte
/// to byte stops there at the latest; whoever would step behind it looks: the end of an object, and all within strings.
/// Everything that answers with a place answers with one in the text, but for the outermost object.
@safe
struct JSONScanner: ~Copyable {
    private let text: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private(set) var names: JSONNames
    /// Entries of all arrays that may still come.
    private var elementsLeft: Int
    /// Members of all objects that may still come.
    private var membersLeft: Int
    /// When fewer than so many entries of arrays are left, each takes the place of a member.
    private let elementsBesideMembers: Int
    /// Names and numbers in other than a usual spelling that may still come.
    private var oddSpellingsLeft: Int

    /// - Parameter scratch: ``JSONNames/scratchBytes`` of memory, aligned for any number.
    @inline(__always)
    init(_ text: UnsafeBufferPointer<UInt8>, limits: JSONLimits, scratch: UnsafeMutableRawBufferPointer) {
        var count = text.count
        while count > 0, unsafe Self.isSpace(text[count &- 1]) { count &-= 1 }
        unsafe self.text = UnsafeBufferPointer(rebasing: text[..<count])
        self.limits = limits
        unsafe names = JSONNames(lent: scratch)
        elementsLeft = limits.elements
        membersLeft = limits.elements
        elementsBesideMembers = 2 &* limits.elements &- limits.entries
        oddSpellingsLeft = limits.oddSpellings
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Reads the whole text.
    @_optimize(speed)
    mutating func outermost() throws(JSONError) {
        guard let start = unsafe text.firstIndex(where: { !Self.isSpace($0) }) else { throw .malformed }
        guard unsafe text[start] == UInt8(ascii: "{") else { throw .notAnObject }
        guard unsafe text.last == UInt8(ascii: "}") else { throw .malformed }
        guard unsafe try object(start, depth: 1) == text.count else { throw .malformed }
    }

    /// The byte at a place, which must be in the text: nobody has gone behind the brace that ends it.
    @inline(__always)
    private func byte(_ at: Int) -> UInt8 { unsafe text.baseAddress.unsafelyUnwrapped[at] }

    @inline(__always)
    private func skippingSpace(_ start: Int) -> Int {
        var at = start
        while byte(at) <= 0x20, Self.isSpace(byte(at)) { at &+= 1 }
        return at
    }

    // Everything from here on begins at a place and answers with the one behind what it read: places stay in registers,
    // where reading waits for nothing.

    @inline(__always)
    private mutating func value(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        if isDigit(byte(start)) {
            // A few digits and nothing else, as nearly every number is.
            let end = digitsEnd(start)
            let next = byte(end)
            if next == UInt8(ascii: ",") || next == UInt8(ascii: "}") || next == UInt8(ascii: "]"),
                end &- start <= JSONNumber.integerDigits
            {
                return (.integer, end)
            }
            return try number(start, whole: start..<end)
        }
        if byte(start) == UInt8(ascii: "{") { return (.object, try object(start, depth: depth &+ 1)) }
        return try anyValue(start, depth: depth)
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The place behind the digits in front of a number's point, the first of which begins at `start`: a zero stands alone.
    @inline(__always)
    private func digitsEnd(_ start: Int) -> Int {
        var end = start &+ 1
        if byte(start) > UInt8(ascii: "0") { while isDigit(byte(end)) { end &+= 1 } }
        return end
    }

    /// A number that begins at `start`, of which the digits in front of the point were read.
    ///
    /// Nearly every one is written by a few bytes, with no exponent that could make it too large.
    @inline(__always)
    private mutating func number(
        _ start: Int,
        whole: Range<Int>
    ) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        var at = whole.upperBound
        if byte(at) == UInt8(ascii: ".") {
            at &+= 1
            guard isDigit(byte(at)) else { throw .malformed }
            repeat { at &+= 1 } while isDigit(byte(at))
        }
        if byte(at) | 0x20 == UInt8(ascii: "e") {
            at &+= 1
            if byte(at) == UInt8(ascii: "+") || byte(at) == UInt8(ascii: "-") { at &+= 1 }
            let exponent = at
            guard isDigit(byte(at)) else { throw .malformed }
            repeat { at &+= 1 } while isDigit(byte(at))
            if at &- exponent > 2 { return try oddNumber(start) }
        }
        guard at &- start <= JSONLimits.numberBytes else { return try oddNumber(start) }
        let isInteger = at == whole.upperBound && whole.count <= JSONNumber.integerDigits
        return (isInteger ? .integer : .number, at)
    }

    /// A number that is long, or may be large.
    @_optimize(speed)
    @inline(never)
    private mutating func oddNumber(_ start: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        guard let number = unsafe JSONNumber(in: text, at: start) else { throw .malformed }
        try countOddSpelling()
        let place = start..<number.end
        guard unsafe number.isFinite(UnsafeBufferPointer(rebasing: text[place])) else { throw .numberOutOfRange }
        return (.number, number.end)
    }

    @_optimize(speed)
    private mutating func anyValue(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        switch byte(start) {
        case UInt8(ascii: "\""): return try text(start)
        case UInt8(ascii: "["):
            guard depth < limits.depth else { throw .tooDeep }
            let first = skippingSpace(start &+ 1)
            if byte(first) == UInt8(ascii: "]") { return (.textArray, first &+ 1) }
            return try array(first, depth: depth &+ 1)
        case UInt8(ascii: "t"): return (.literalTrue, try unsafe JSONText.literal("true", in: text, at: start))
        case UInt8(ascii: "f"): return (.literalFalse, try unsafe JSONText.literal("false", in: text, at: start))
        case UInt8(ascii: "n"): return (.literalNull, try unsafe JSONText.literal("null", in: text, at: start))
        case UInt8(ascii: "-") where isDigit(byte(start &+ 1)):
            return try number(start, whole: start &+ 1..<digitsEnd(start &+ 1))
        default: throw .malformed
        }
    }

    /// The place behind an object; only the outermost one may end the text.
    @_optimize(speed)
    private mutating func object(_ start: Int, depth: Int) throws(JSONError) -> Int {
        guard depth <= limits.depth else { throw .tooDeep }
        var at = skippingSpace(start &+ 1)
        let first = names.count
        let isOutermost = depth == 1
        if byte(at) == UInt8(ascii: "}") {
            guard unsafe at &+ 1 < text.count || isOutermost else { throw .malformed }
            return at &+ 1
        }
        while true {
            guard byte(at) == UInt8(ascii: "\"") else { throw .malformed }
            membersLeft &-= 1
            if membersLeft < 0 { throw .tooManyElements }
            let (name, nameEnd, isEscaped) = try name(at &+ 1, isOutermost)
            let colon = skippingSpace(nameEnd &+ 1)
            guard byte(colon) == UInt8(ascii: ":") else { throw .malformed }
            let start = skippingSpace(colon &+ 1)
            // What it contains is noted before it, and taken off again.
            let (kind, end) = try value(start, depth: depth)
            let entry = JSONMembers.Entry((at &+ 1, nameEnd), hasEscapedName: isEscaped, (start, end), kind)
            guard names.append(name, entry) else { throw .duplicateMember }
            let (next, isLast) = try separator(end, closing: UInt8(ascii: "}"))
            if isLast {
                guard unsafe names.close(first, isOutermost: isOutermost, in: text) else { throw .duplicateMember }
                guard unsafe next < text.count || isOutermost else { throw .malformed }
                return next
            }
            at = next
        }
    }

    /// The name that begins behind its quote, and the place of the quote that ends it.
    @inline(__always)
    private mutating func name(
        _ start: Int,
        _ isOutermost: Bool
    ) throws(JSONError) -> (name: JSONNames.Name, end: Int, isEscaped: Bool) {
        // Most names end within a word or two, which no limit is below.
        if let (word, count, next) = unsafe JSONText.shortPlain(text, start) {
            if next == UInt8(ascii: "\"") {
                return (names.name(word, count: count, isOutermost: isOutermost), start &+ count, false)
            }
        } else if let (word, tail, count) = unsafe JSONText.quotedPlain(text, start) {
            return (names.name(word, tail, count: count, isOutermost: isOutermost), start &+ count, false)
        }
        return try longName(start, isOutermost)
    }

    /// Any other name.
    @_optimize(speed)
    @inline(never)
    private mutating func longName(
        _ start: Int,
        _ isOutermost: Bool
    ) throws(JSONError) -> (name: JSONNames.Name, end: Int, isEscaped: Bool) {
        let text = unsafe text
        var end = unsafe JSONText.plainEnd(text, from: start)
        guard end < text.count else { throw .malformed }
        if byte(end) != UInt8(ascii: "\"") {
            guard byte(end) >= 0x80 || byte(end) == UInt8(ascii: "\\") else { throw .malformed }
            try countOddSpelling()
            while unsafe text[end] >= 0x80, let next = unsafe JSONText.scalarsEnd(text, end) {
                unsafe end = JSONText.plainEnd(text, from: next)
                guard end < text.count else { throw .malformed }
            }
        }
        guard byte(end) == UInt8(ascii: "\"") else { return try escapedName(start, isOutermost) }
        guard end &- start <= limits.stringBytes else { throw .stringTooLong }
        return unsafe (names.name(text, start, count: end &- start, isOutermost: isOutermost), end, false)
    }

    @inline(__always)
    private mutating func countOddSpelling() throws(JSONError) {
        oddSpellingsLeft &-= 1
        if oddSpellingsLeft < 0 { throw .tooManyOddSpellings }
    }

    @_optimize(speed)
    private mutating func escapedName(
        _ start: Int,
        _ isOutermost: Bool
    ) throws(JSONError) -> (name: JSONNames.Name, end: Int, isEscaped: Bool) {
        let bytes = limits.stringBytes
        guard let (name, end) = unsafe names.escapedName(text, start, bytes: bytes, isOutermost: isOutermost) else {
            // Which fault it has, strings tell.
            _ = try string(start &- 1)
            throw .malformed
        }
        return (name, end, true)
    }

    /// The entries of an array, from the first one on, and what ends it: it has nothing but plain strings, or is any other.
    @_optimize(speed)
    private mutating func array(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        var at = start
        var kind = JSONMembers.Kind.textArray
        while true {
            elementsLeft &-= 1
            if elementsLeft < elementsBesideMembers { membersLeft &-= 1 }
            if elementsLeft < 0 || membersLeft < 0 { throw .tooManyElements }
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

    @_optimize(speed)
    private mutating func text(_ start: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        let (end, hasEscapes) = try string(start)
        return (hasEscapes ? .escapedString : .plainString, end)
    }

    /// The place behind a string, and whether it does not read as it is written.
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
