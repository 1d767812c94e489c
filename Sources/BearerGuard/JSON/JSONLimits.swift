// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Bounds that a text must keep before a parser allocates anything for it.
package struct JSONLimits: Sendable {
    /// Levels of nesting, the outermost object being the first.
    package let depth: Int
    /// Entries of one object or array.
    package let elements: Int
    /// Bytes of one string or member name as written, escapes included.
    package let stringBytes: Int

    /// Token headers and claims.
    package static let token = JSONLimits(depth: 32, elements: 1024, stringBytes: 8192)
    /// Key sets and issuer metadata; the fetcher has capped the whole text already.
    package static let keySet = JSONLimits(depth: 32, elements: 4096, stringBytes: 512 * 1024)
    /// Documents an operator wrote.
    package static let document = JSONLimits(depth: 32, elements: 65536, stringBytes: 1024 * 1024)

    /// Scans `bytes` once.
    ///
    /// Text that is not JSON may pass; text over a limit never does.
    package func check(_ bytes: some Collection<UInt8>) throws(JSONError) {
        var entries: [Int] = []
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
            switch byte {
            case UInt8(ascii: "\""):
                stringLength = 0
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if entries.count == depth { throw .tooDeep }
                entries.append(1)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = entries.popLast()
            case UInt8(ascii: ","):
                guard let last = entries.indices.last else { continue }
                entries[last] += 1
                if entries[last] > elements { throw .tooManyElements }
            default:
                continue
            }
        }
    }
}
