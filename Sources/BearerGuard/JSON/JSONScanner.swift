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
    private(set) var names: JSONNames
    /// Entries of all arrays, and members of all objects, that may still come.
    private var elementsLeft: Int
    private var membersLeft: Int

    /// - Parameter scratch: ``JSONNames/scratchBytes`` of memory, aligned for any number.
    init(_ text: UnsafeBufferPointer<UInt8>, limits: JSONLimits, scratch: UnsafeMutableRawBufferPointer) {
        unsafe self.text = text
        self.limits = limits
        unsafe names = JSONNames(lent: scratch)
        elementsLeft = limits.elements
        membersLeft = limits.elements
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Reads the whole text.
    mutating func outermost() throws(JSONError) {
        let start = skippingSpace(0)
        let (kind, end) = unsafe start < text.count ? try value(start, depth: 0) : (.absent, start)
        guard unsafe start < text.count, unsafe skippingSpace(end) == text.count else { throw .malformed }
        guard kind == .object else { throw .notAnObject }
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

    @inline(__always)
    private mutating func value(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        if let end = shortIntegerEnd(start) { return (.integer, end) }
        return try anyValue(start, depth: depth)
    }

    /// The place behind a number that is a few digits and nothing else, as nearly every one is; nil for any other value.
    @inline(__always)
    private func shortIntegerEnd(_ start: Int) -> Int? {
        let lead = byte(start) &- 0x30
        guard lead < 10 else { return nil }
        var end = start &+ 1
        if lead > 0 { while byte(end) &- 0x30 < 10 { end &+= 1 } }
        let next = byte(end)
        guard next == UInt8(ascii: ",") || next == UInt8(ascii: "}") || next == UInt8(ascii: "]") else { return nil }
        return end &- start <= 18 ? end : nil
    }

    private mutating func anyValue(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        switch byte(start) {
        case UInt8(ascii: "\""): return try text(start)
        case UInt8(ascii: "{"):
            guard depth < limits.depth else { throw .tooDeep }
            let first = skippingSpace(start &+ 1)
            if byte(first) == UInt8(ascii: "}") { return (.object, first &+ 1) }
            return try object(first, depth: depth &+ 1)
        case UInt8(ascii: "["):
            guard depth < limits.depth else { throw .tooDeep }
            let first = skippingSpace(start &+ 1)
            if byte(first) == UInt8(ascii: "]") { return (.textArray, first &+ 1) }
            return try array(first, depth: depth &+ 1)
        case UInt8(ascii: "t"): return (.literalTrue, try unsafe Self.literal("true", in: text, at: start))
        case UInt8(ascii: "f"): return (.literalFalse, try unsafe Self.literal("false", in: text, at: start))
        case UInt8(ascii: "n"): return (.literalNull, try unsafe Self.literal("null", in: text, at: start))
        default: return try unsafe Self.number(in: text, at: start)
        }
    }

    /// The members of an object, from the first one on, and what ends it.
    private mutating func object(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        var at = start
        let first = names.count
        let isOutermost = depth == 1
        while true {
            guard byte(at) == UInt8(ascii: "\"") else { throw .malformed }
            membersLeft &-= 1
            if membersLeft < 0 { throw .tooManyElements }
            let (name, nameEnd, isEscaped) = try name(at &+ 1, isOutermost)
            let colon = skippingSpace(nameEnd &+ 1)
            guard byte(colon) == UInt8(ascii: ":") else { throw .malformed }
            let start = skippingSpace(colon &+ 1)
            let (kind, end) = try value(start, depth: depth)
            let entry = JSONMembers.Entry(
                name: (at &+ 1, nameEnd),
                hasEscapedName: isEscaped,
                value: (start, end),
                kind: kind
            )
            guard names.append(entry, name) else { throw .duplicateMember }
            let (next, isLast) = try separator(end, closing: UInt8(ascii: "}"))
            if isLast {
                guard unsafe names.close(first, isOutermost: isOutermost, in: text) else { throw .duplicateMember }
                return (.object, next)
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
        // Most names end within a word, which no limit is below.
        if let (word, count, next) = unsafe JSONText.shortPlain(text, start) {
            if next == UInt8(ascii: "\"") {
                return (names.name(word, count: count, isOutermost: isOutermost), start &+ count, false)
            }
            if next == UInt8(ascii: "\\") { return try escapedName(start, isOutermost) }
        }
        return try longName(start, isOutermost)
    }

    /// Any other name.
    @inline(never)
    private mutating func longName(
        _ start: Int,
        _ isOutermost: Bool
    ) throws(JSONError) -> (name: JSONNames.Name, end: Int, isEscaped: Bool) {
        let text = unsafe text
        var end = unsafe JSONText.plainEnd(text, from: start)
        while end < text.count, unsafe text[end] >= 0x80, let next = unsafe JSONText.scalarsEnd(text, end) {
            unsafe end = JSONText.plainEnd(text, from: next)
        }
        guard byte(end) == UInt8(ascii: "\"") else { return try escapedName(start, isOutermost) }
        guard end &- start <= limits.stringBytes else { throw .stringTooLong }
        return unsafe (names.name(text, start, count: end &- start, isOutermost: isOutermost), end, false)
    }

    @inline(__always)
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
    private mutating func array(_ start: Int, depth: Int) throws(JSONError) -> (kind: JSONMembers.Kind, end: Int) {
        var at = start
        var kind = JSONMembers.Kind.textArray
        while true {
            elementsLeft &-= 1
            if elementsLeft < 0 { throw .tooManyElements }
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
        guard let number = unsafe JSONNumber(in: text, at: start) else { throw .malformed }
        if number.isInteger, number.digits <= 18 { return (.integer, number.end) }
        let place = start..<number.end
        guard unsafe number.isFinite(UnsafeBufferPointer(rebasing: text[place])) else { throw .numberOutOfRange }
        return (.number, number.end)
    }

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
