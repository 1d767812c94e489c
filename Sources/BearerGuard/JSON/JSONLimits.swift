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
    /// Bytes of one string or member name as written, escapes included.
    package let stringBytes: Int

    /// Token headers and claims.
    package static let token = JSONLimits(depth: 32, elements: 1024, countsAll: true, stringBytes: 8192)
    /// Key sets and issuer metadata; the fetcher has capped the whole text already.
    package static let keySet = JSONLimits(depth: 32, elements: 4096, countsAll: false, stringBytes: 512 * 1024)
    /// Documents an operator wrote.
    package static let document = JSONLimits(
        depth: 32,
        elements: 65536,
        countsAll: false,
        stringBytes: 1024 * 1024
    )

    /// Scans `bytes` once.
    ///
    /// Text that is not JSON may pass; text over a limit never does.
    package func check(_ bytes: some Collection<UInt8>) throws(JSONError) {
        var levels: [Level] = []
        var elements = 0
        var members = 0
        /// Counts an entry of what is open.
        func enter() throws(JSONError) {
            guard let last = levels.indices.last else { return }
            levels[last].entries += 1
            if levels[last].isArray { elements += 1 } else { members += 1 }
            let count = countsAll ? max(elements, members) : levels[last].entries
            if count > self.elements { throw .tooManyElements }
        }
        var isAtStart = false
        var stringLength = -1
        var isEscaped = false
        for byte in bytes {
            if stringLength >= 0 {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    stringLength = -1
                    continue
                }
                stringLength += 1
                if stringLength > stringBytes { throw .stringTooLong }
                continue
            }
            if JSONScanner.isSpace(byte) { continue }
            let isEnd = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
            if isAtStart, !isEnd { try enter() }
            isAtStart = false
            switch byte {
            case UInt8(ascii: "\""):
                stringLength = 0
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if levels.count == depth { throw .tooDeep }
                levels.append(Level(isArray: byte == UInt8(ascii: "[")))
                isAtStart = true
            case UInt8(ascii: ","):
                try enter()
            default:
                if isEnd { _ = levels.popLast() }
            }
        }
    }

    /// An object or array that is open.
    private struct Level {
        let isArray: Bool
        var entries = 0
    }
}
