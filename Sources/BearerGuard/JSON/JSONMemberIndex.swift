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

    static let maximumMembers = 64
    static let maximumElements = 1024
    static let maximumDepth = 8
    static let maximumString = 8192

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
