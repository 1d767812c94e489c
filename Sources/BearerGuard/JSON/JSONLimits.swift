// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Bounds that a text must keep before a parser allocates anything for it.
package struct JSONLimits: Sendable {
    /// Levels of nesting, the outermost object being the first.
    package let depth: Int
    /// Entries of one object or array, or with ``countsAll`` of all arrays together, and members of all objects together.
    package let elements: Int
    /// Whether ``elements`` is of the whole text.
    package let countsAll: Bool
    /// Entries of all arrays and members of all objects together; not less than ``elements``.
    package let entries: Int
    /// Names with escapes or bytes beyond ASCII, and numbers of more than ``numberBytes`` or with an exponent of three digits
    /// or more, in the whole text: they take longer to read than they are worth, and no issuer writes many.
    package let oddSpellings: Int
    /// Bytes of one string or member name as written, escapes included.
    package let stringBytes: Int

    /// No double takes more to be told from all others, but for some with an exponent of three digits.
    static let numberBytes = 24

    /// Token headers and claims.
    package static let token = JSONLimits(
        depth: 32,
        elements: 1024,
        countsAll: true,
        // An array as long as may be has room for usual claims beside it.
        entries: 1024 + 128,
        oddSpellings: 64,
        stringBytes: 8192
    )
    /// Key sets and issuer metadata; the fetcher has capped the whole text already.
    package static let keySet = JSONLimits(
        depth: 32,
        elements: 4096,
        countsAll: false,
        entries: .max,
        oddSpellings: .max,
        stringBytes: 512 * 1024
    )
    /// Documents an operator wrote.
    package static let document = JSONLimits(
        depth: 32,
        elements: 65536,
        countsAll: false,
        entries: .max,
        oddSpellings: .max,
        stringBytes: 1024 * 1024
    )

    /// Scans `bytes` once.
    ///
    /// Text that is not JSON may pass; text over a limit never does.
    package func check(_ bytes: [UInt8]) throws(JSONError) {
        var levels: [Level] = []
        var elements = 0
        var members = 0
        var oddSpellings = 0
        /// Whether the next string is a name.
        var isAtName = false
        /// Counts an entry of what is open.
        func enter() throws(JSONError) {
            guard let last = levels.indices.last else { return }
            levels[last].entries += 1
            isAtName = !levels[last].isArray
            if isAtName { members += 1 } else { elements += 1 }
            let count = countsAll ? max(elements, members) : levels[last].entries
            if count > self.elements || elements + members > entries { throw .tooManyElements }
        }
        var isAtStart = false
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            at += 1
            if JSONScanner.isSpace(byte) { continue }
            let isEnd = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if isAtStart, !isEnd { try enter() }
            isAtStart = false
            switch byte {
            case UInt8(ascii: "\""):
                let isOdd = try passString(bytes, &at)
                if isAtName, isOdd { oddSpellings += 1 }
                isAtName = false
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                if Self.passNumber(bytes, &at) { oddSpellings += 1 }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if levels.count == depth { throw .tooDeep }
                levels.append(Level(isArray: byte == UInt8(ascii: "[")))
                isAtStart = true
            case UInt8(ascii: ","):
                try enter()
            default:
                if isEnd { _ = levels.popLast() }
            }
            if oddSpellings > self.oddSpellings { throw .tooManyOddSpellings }
        }
    }

    /// Goes behind the string whose first quote was passed; whether it has escapes or bytes beyond ASCII.
    private func passString(_ bytes: [UInt8], _ at: inout Int) throws(JSONError) -> Bool {
        let start = at
        var isOdd = false
        while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
            let isEscape = bytes[at] == UInt8(ascii: "\\")
            if isEscape || bytes[at] >= 0x80 { isOdd = true }
            at += isEscape ? 2 : 1
            if at - start > stringBytes { throw .stringTooLong }
        }
        at += 1
        return isOdd
    }

    /// Goes behind the number whose first byte was passed; whether it is long, or may be large.
    private static func passNumber(_ bytes: [UInt8], _ at: inout Int) -> Bool {
        let start = at - 1
        var exponentDigits: Int?
        reading: while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): exponentDigits = exponentDigits.map { $0 + 1 }
            case UInt8(ascii: "e"), UInt8(ascii: "E"): exponentDigits = 0
            case UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): break
            default: break reading
            }
            at += 1
        }
        return at - start > numberBytes || exponentDigits ?? 0 > 2
    }

    /// An object or array that is open.
    private struct Level {
        let isArray: Bool
        var entries = 0
    }
}
