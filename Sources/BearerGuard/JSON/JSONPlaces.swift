// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The members of an object as places in a text that is lent, so that of many lines nothing is made or kept.
///
/// `@safe` is sound because it is lent itself, to whoever lends the text, and its places are within that.
@safe
package struct JSONPlaces: ~Copyable {
    /// Where the value of a member stands.
    package enum Place {
        /// A string that reads as it is written, without its quotes.
        case text(Range<Int>)
        /// A number of up to 18 digits.
        case integer(Range<Int>)
        case absent
        /// Any other value, or none that can be found so: ``JSONObject`` has it.
        case other
    }

    /// The name of a member that is looked for.
    package struct Name: Sendable {
        fileprivate let bytes: [UInt8]
        /// As many of them as a word has.
        fileprivate let word: UInt64

        package init(_ name: String) {
            let bytes = Array(name.utf8)
            self.bytes = bytes
            word = unsafe bytes.withUnsafeBufferPointer {
                unsafe TokenMemberTable.word($0, from: 0, count: bytes.count)
            }
        }
    }

    private let text: UnsafeBufferPointer<UInt8>
    /// Where it begins in what it is a part of.
    private let start: Int
    private let names: JSONNames

    /// Reads the object at a place of a text and lends its members; anything else it leaves.
    @_optimize(speed)
    package static func read(
        _ text: UnsafeBufferPointer<UInt8>,
        _ place: Range<Int>,
        limits: JSONLimits,
        _ body: (borrowing JSONPlaces) -> Void
    ) {
        let start = place.lowerBound
        let text = unsafe UnsafeBufferPointer(rebasing: text[place])
        guard text.count <= JSONMembers.maximumBytes else { return }
        unsafe withUnsafeTemporaryAllocation(byteCount: JSONNames.scratchBytes, alignment: 8) { scratch in
            var scanner = unsafe JSONScanner(text, limits: limits, scratch: scratch)
            do throws(JSONError) { try scanner.outermost() } catch { return }
            body(unsafe JSONPlaces(text: text, start: start, names: scanner.names))
        }
    }

    /// The place of a member by its name.
    @_optimize(speed)
    package func place(of name: Name) -> Place {
        var hasEscapedName = false
        for number in 0..<names.count {
            let entry = names.entry(number)
            if entry.hasEscapedName {
                hasEscapedName = true
            } else if isName(entry.name, name) {
                let place = start &+ entry.value.lowerBound..<start &+ entry.value.upperBound
                switch entry.kind {
                case .plainString: return .text(place)
                case .integer: return .integer(place)
                default: return .other
                }
            }
        }
        return hasEscapedName ? .other : .absent
    }

    /// Whether these bytes of the text are a name: nearly every one is told by its first word, which takes no call.
    @inline(__always)
    private func isName(_ place: Range<Int>, _ name: Name) -> Bool {
        let count = name.bytes.count
        guard place.count == count,
            unsafe TokenMemberTable.word(text, from: place.lowerBound, count: count) == name.word
        else { return false }
        for offset in 8..<max(8, count) where unsafe text[place.lowerBound &+ offset] != name.bytes[offset] {
            return false
        }
        return true
    }

    /// The first place from `start` on with a byte that a string may not have as it is, or that ends one, or beyond ASCII.
    package static func plainEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        unsafe JSONText.plainEnd(text, from: start)
    }
}
