// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

extension JSONMemberIndex {
    /// One pass over a text; every step says whether what it met is plain.
    @safe
    struct Scanner {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        init(bytes: UnsafeBufferPointer<UInt8>) { unsafe self.bytes = bytes }

        static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

        mutating func outermost(into entries: inout [Entry]) -> Bool {
            skipSpace()
            guard peek == UInt8(ascii: "{"), object(into: &entries, depth: 1) else { return false }
            skipSpace()
            return unsafe position == bytes.count
        }

        /// The byte at hand, or a byte that no rule takes.
        private var peek: UInt8 { unsafe position < bytes.count ? unsafe bytes[position] : 0 }

        private mutating func skipSpace() {
            while unsafe position < bytes.count, unsafe Self.isSpace(bytes[position]) { position &+= 1 }
        }

        private mutating func object(into entries: inout [Entry], depth: Int) -> Bool {
            let first = entries.count
            position &+= 1
            skipSpace()
            if peek == UInt8(ascii: "}") {
                position &+= 1
                return true
            }
            while true {
                guard peek == UInt8(ascii: "\"") else { return false }
                let name = position &+ 1
                guard string() == .plainString else { return false }
                let range = Int32(name)..<Int32(position &- 1)
                // A name that occurs twice is for jansson to refuse.
                for known in entries[first...] where isSame(known.name, range) { return false }
                skipSpace()
                guard peek == UInt8(ascii: ":"), entries.count &- first < JSONMemberIndex.maximumMembers else {
                    return false
                }
                position &+= 1
                skipSpace()
                let start = position
                guard let kind = value(depth: depth) else { return false }
                let isText = kind == .plainString || kind == .escapedString
                let place = isText ? Int32(start &+ 1)..<Int32(position &- 1) : Int32(start)..<Int32(position)
                entries.append(Entry(name: range, value: place, kind: kind))
                skipSpace()
                let next = peek
                position &+= 1
                if next == UInt8(ascii: "}") { return true }
                guard next == UInt8(ascii: ",") else { return false }
                skipSpace()
            }
        }

        private func isSame(_ left: Range<Int32>, _ right: Range<Int32>) -> Bool {
            let (a, b) = (Int(left.lowerBound), Int(right.lowerBound))
            // The byte behind an empty name is its quote.
            guard left.count == right.count, unsafe bytes[a] == bytes[b] else { return false }
            for offset in 0..<left.count where unsafe bytes[a &+ offset] != bytes[b &+ offset] { return false }
            return true
        }

        private mutating func array(depth: Int) -> Bool {
            position &+= 1
            skipSpace()
            if peek == UInt8(ascii: "]") {
                position &+= 1
                return true
            }
            var count = 0
            while true {
                count &+= 1
                guard count <= JSONMemberIndex.maximumElements, value(depth: depth) != nil else { return false }
                skipSpace()
                let next = peek
                position &+= 1
                if next == UInt8(ascii: "]") { return true }
                guard next == UInt8(ascii: ",") else { return false }
                skipSpace()
            }
        }

        private mutating func value(depth: Int) -> Kind? {
            switch peek {
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "{"):
                guard depth < JSONMemberIndex.maximumDepth else { return nil }
                var inner: [Entry] = []
                return object(into: &inner, depth: depth &+ 1) ? .container : nil
            case UInt8(ascii: "["):
                guard depth < JSONMemberIndex.maximumDepth else { return nil }
                return array(depth: depth &+ 1) ? .container : nil
            case UInt8(ascii: "t"): return literal("true") ? .literalTrue : nil
            case UInt8(ascii: "f"): return literal("false") ? .literalFalse : nil
            case UInt8(ascii: "n"): return literal("null") ? .literalNull : nil
            default: return integer() ? .integer : nil
            }
        }

        private mutating func literal(_ word: StaticString) -> Bool {
            let count = word.utf8CodeUnitCount
            guard unsafe bytes.count &- position >= count else { return false }
            for offset in 0..<count where unsafe bytes[position &+ offset] != word.utf8Start[offset] { return false }
            position &+= count
            return true
        }

        private mutating func integer() -> Bool {
            if peek == UInt8(ascii: "-") { position &+= 1 }
            let start = position
            let first = peek
            while unsafe position < bytes.count, unsafe bytes[position] &- 0x30 < 10 { position &+= 1 }
            let count = position &- start
            guard count >= 1, count <= 18, count == 1 || first != UInt8(ascii: "0") else { return false }
            // A fraction or an exponent makes it another kind of number.
            let next = peek
            return next != UInt8(ascii: ".") && next | 0x20 != UInt8(ascii: "e")
        }

        /// Steps over a string; nil for one that is not plain.
        private mutating func string() -> Kind? {
            position &+= 1
            let start = position
            var kind = Kind.plainString
            while unsafe position < bytes.count {
                let byte = unsafe bytes[position]
                position &+= 1
                if byte == UInt8(ascii: "\"") {
                    return position &- start <= JSONMemberIndex.maximumString ? kind : nil
                }
                if byte == UInt8(ascii: "\\") {
                    kind = .escapedString
                    switch peek {
                    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
                        UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                        position &+= 1
                    default: return nil
                    }
                } else if byte < 0x20 || byte >= 0x80 {
                    return nil
                }
            }
            return nil
        }
    }
}
