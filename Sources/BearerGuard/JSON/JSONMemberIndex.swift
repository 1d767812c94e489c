// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The members of a JSON object as places in its text: one pass that checks every byte and makes no value.
///
/// It takes the plain part of JSON that tokens are made of and nothing else: names in ASCII without escapes, strings in
/// ASCII without `\u`, integers of up to 18 digits, shallow nesting. Whatever is not plain, or not JSON at all, it leaves
/// to jansson, which alone says what is refused and why. So whatever it takes, jansson takes too, with the same values;
/// a test compares both over the vectors and over random changes of them.
package struct JSONMemberIndex: Sendable {
    enum Kind: UInt8, Sendable {
        case plainString
        case escapedString
        case integer
        case literalTrue
        case literalFalse
        case literalNull
        case container
    }

    struct Entry: Sendable {
        /// The name without its quotes.
        let name: Range<Int32>
        /// The value; of a string without its quotes.
        let value: Range<Int32>
        let kind: Kind
    }

    private static let maximumMembers = 64
    private static let maximumElements = 1024
    private static let maximumDepth = 8
    private static let maximumString = 8192

    let text: [UInt8]
    let entries: [Entry]

    /// Nil for a text that jansson must read.
    package init?(_ text: [UInt8]) {
        guard text.count < 1 << 16 else { return nil }
        var entries: [Entry] = []
        entries.reserveCapacity(24)
        let isPlain = unsafe text.withUnsafeBufferPointer { bytes in
            var scanner = unsafe Scanner(bytes: bytes)
            return scanner.outermost(into: &entries)
        }
        guard isPlain else { return nil }
        self.text = text
        self.entries = entries
    }

    /// The value of `name`, which is made here and now.
    package func value(of name: String) -> JSONValue? {
        unsafe text.withUnsafeBufferPointer { bytes in
            unsafe entry(of: name, in: bytes).map { unsafe value(of: $0, in: bytes) }
        }
    }

    /// What kind of value `name` has; nil where there is none.
    func kind(of name: String) -> Kind? {
        unsafe text.withUnsafeBufferPointer { unsafe entry(of: name, in: $0)?.kind }
    }

    /// Whether the value of `name` is this text; nil where that takes more than comparing bytes.
    func hasText(_ wanted: String, at name: String) -> Bool? {
        unsafe text.withUnsafeBufferPointer { bytes in
            guard let entry = unsafe entry(of: name, in: bytes), entry.kind == .plainString else { return nil }
            var wanted = wanted
            return wanted.withUTF8 { unsafe Self.isEqual(bytes, entry.value, $0) }
        }
    }

    private func entry(of name: String, in bytes: UnsafeBufferPointer<UInt8>) -> Entry? {
        var name = name
        return name.withUTF8 { wanted in
            for entry in entries where unsafe Self.isEqual(bytes, entry.name, wanted) { return entry }
            return nil
        }
    }

    /// All members in the order of the text.
    package var members: [JSONObject.Member] {
        unsafe text.withUnsafeBufferPointer { bytes in
            entries.map { entry in
                let name = unsafe String(decoding: bytes[entry.name.indices], as: UTF8.self)
                return unsafe JSONObject.Member(name: name, value: value(of: entry, in: bytes))
            }
        }
    }

    private static func isEqual(
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int32>,
        _ wanted: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard range.count == wanted.count else { return false }
        let start = Int(range.lowerBound)
        for index in 0..<wanted.count where unsafe bytes[start + index] != wanted[index] { return false }
        return true
    }

    private func value(of entry: Entry, in bytes: UnsafeBufferPointer<UInt8>) -> JSONValue {
        let slice = unsafe UnsafeBufferPointer(rebasing: bytes[entry.value.indices])
        switch entry.kind {
        case .plainString: return unsafe .string(String(decoding: slice, as: UTF8.self))
        case .escapedString: return unsafe .string(Self.unescaped(slice))
        case .integer: return unsafe .integer(Self.integer(slice))
        case .literalTrue: return .bool(true)
        case .literalFalse: return .bool(false)
        case .literalNull: return .null
        case .container:
            if let strings = unsafe Self.plainStrings(slice) { return .array(strings) }
            // Read before as part of the whole, so it can be read now.
            let document = unsafe try? JSONDocument(Array(slice), limits: .token)
            return document?.value ?? .null
        }
    }

    private static func integer(_ digits: UnsafeBufferPointer<UInt8>) -> Int64 {
        var value: Int64 = 0
        var isNegative = false
        // At most 18 digits: neither step can overflow.
        for index in 0..<digits.count {
            let digit = unsafe digits[index]
            if digit == UInt8(ascii: "-") { isNegative = true } else { value = value &* 10 &+ Int64(digit &- 0x30) }
        }
        return isNegative ? 0 &- value : value
    }

    private static func unescaped(_ slice: UnsafeBufferPointer<UInt8>) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(slice.count)
        var isEscape = false
        for index in 0..<slice.count {
            let byte = unsafe slice[index]
            if isEscape {
                isEscape = false
                switch byte {
                case UInt8(ascii: "b"): output.append(0x08)
                case UInt8(ascii: "f"): output.append(0x0C)
                case UInt8(ascii: "n"): output.append(0x0A)
                case UInt8(ascii: "r"): output.append(0x0D)
                case UInt8(ascii: "t"): output.append(0x09)
                default: output.append(byte)
                }
            } else if byte == UInt8(ascii: "\\") {
                isEscape = true
            } else {
                output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The entries of an array of nothing but strings without escapes, which most arrays in tokens are.
    private static func plainStrings(_ slice: UnsafeBufferPointer<UInt8>) -> [JSONValue]? {
        var strings: [JSONValue] = []
        strings.reserveCapacity(8)
        let isWhole = unsafe forEachPlainString(slice) { text in
            unsafe strings.append(.string(String(decoding: text, as: UTF8.self)))
            return true
        }
        return isWhole ? strings : nil
    }

    /// Lends each entry of an array to `body` until it says false; false for an array with anything but strings without
    /// escapes.
    private static func forEachPlainString(
        _ slice: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        guard slice.count >= 2, unsafe slice[0] == UInt8(ascii: "[") else { return false }
        var start = -1
        for index in 1..<(slice.count - 1) {
            let byte = unsafe slice[index]
            if start >= 0 {
                if byte == UInt8(ascii: "\\") { return false }
                guard byte == UInt8(ascii: "\"") else { continue }
                guard unsafe body(UnsafeBufferPointer(rebasing: slice[start..<index])) else { return false }
                start = -1
            } else if byte == UInt8(ascii: "\"") {
                start = index + 1
            } else if byte != UInt8(ascii: ","), !Scanner.isSpace(byte) {
                return false
            }
        }
        return true
    }

    /// Whether the value of `name` lists a text: as one of the words of a string, or as an entry of an array of strings; nil
    /// where that takes more than looking at bytes.
    func lists(_ wanted: String, at name: String) -> Bool? {
        unsafe text.withUnsafeBufferPointer { bytes in
            guard let entry = unsafe entry(of: name, in: bytes) else { return false }
            let slice = unsafe UnsafeBufferPointer(rebasing: bytes[entry.value.indices])
            var wanted = wanted
            return wanted.withUTF8 { wanted in
                var isListed = false
                func look(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
                    if unsafe word.count == wanted.count && word.elementsEqual(wanted) { isListed = true }
                    return true
                }
                switch entry.kind {
                case .plainString:
                    var start = 0
                    for index in 0...slice.count where unsafe index == slice.count || slice[index] == 0x20 {
                        _ = unsafe look(UnsafeBufferPointer(rebasing: slice[start..<index]))
                        start = index + 1
                    }
                    return isListed
                case .container: return unsafe Self.forEachPlainString(slice, look) ? isListed : nil
                default: return nil
                }
            }
        }
    }

    /// Whether the value of `name` is a string, or an array of strings, whose every one passes; nil where that takes more
    /// than looking at bytes.
    func allTexts(at name: String, pass: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        unsafe text.withUnsafeBufferPointer { bytes in
            guard let entry = unsafe entry(of: name, in: bytes) else { return nil }
            let slice = unsafe UnsafeBufferPointer(rebasing: bytes[entry.value.indices])
            switch entry.kind {
            case .plainString: return unsafe pass(slice)
            case .container: return unsafe Self.forEachPlainString(slice, pass) ? true : nil
            default: return nil
            }
        }
    }
}

extension Range<Int32> {
    fileprivate var indices: Range<Int> { Int(lowerBound)..<Int(upperBound) }
}

extension JSONMemberIndex {
    /// One pass over a text; every step says whether what it met is plain.
    @safe
    private struct Scanner {
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
