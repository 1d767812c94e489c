// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Lists of texts, which scopes, audiences and roles are: looked at in place.
extension JSONMemberIndex {
    /// Whether the value of a member lists a text: as one of the words of a string, or as an entry of an array of strings;
    /// nil where that takes more than looking at bytes.
    func lists(_ wanted: String, at member: TokenMember) -> Bool? {
        var wanted = wanted
        return unsafe withValue(of: member) { kind, value in
            guard let kind else { return false }
            return wanted.withUTF8 { wanted in
                var isListed = false
                func look(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
                    if unsafe word.count == wanted.count && word.elementsEqual(wanted) { isListed = true }
                    return true
                }
                switch kind {
                case .plainString:
                    var start = 0
                    for index in 0...value.count where unsafe index == value.count || value[index] == 0x20 {
                        _ = unsafe look(UnsafeBufferPointer(rebasing: value[start..<index]))
                        start = index + 1
                    }
                    return isListed
                case .array: return unsafe Self.forEachPlainString(value, look) ? isListed : nil
                default: return nil
                }
            }
        }
    }

    /// Whether the value of a member is a string, or an array of strings, whose every one passes; nil where that takes more
    /// than looking at bytes.
    func allTexts(at member: TokenMember, pass: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        unsafe withValue(of: member) { kind, value in
            switch kind {
            case .plainString: unsafe pass(value)
            case .array: unsafe Self.forEachPlainString(value, pass) ? true : nil
            default: nil
            }
        }
    }

    /// The entries of an array of nothing but strings without escapes, which most arrays in tokens are.
    func plainStrings(_ place: Range<Int>) -> [JSONValue]? {
        var strings: [JSONValue] = []
        strings.reserveCapacity(8)
        let isWhole = unsafe text.withUnsafeBufferPointer { text in
            unsafe Self.forEachPlainString(UnsafeBufferPointer(rebasing: text[place])) { text in
                unsafe strings.append(.string(String(decoding: text, as: UTF8.self)))
                return true
            }
        }
        return isWhole ? strings : nil
    }

    private func withValue<Value>(
        of member: TokenMember,
        _ body: (Kind?, UnsafeBufferPointer<UInt8>) -> Value
    ) -> Value {
        unsafe text.withUnsafeBufferPointer { text in
            unsafe body(kind(of: member), UnsafeBufferPointer(rebasing: text[place(of: member)]))
        }
    }

    /// Lends each entry of an array to `body` until it says false; false for an array with anything but strings without
    /// escapes.
    private static func forEachPlainString(
        _ array: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        guard array.count >= 2 else { return false }
        var start = -1
        for index in 1..<(array.count - 1) {
            let byte = unsafe array[index]
            if start >= 0 {
                if byte == UInt8(ascii: "\\") { return false }
                guard byte == UInt8(ascii: "\"") else { continue }
                guard unsafe body(UnsafeBufferPointer(rebasing: array[start..<index])) else { return false }
                start = -1
            } else if byte == UInt8(ascii: "\"") {
                start = index + 1
            } else if byte != UInt8(ascii: ","), !JSONScanner.isSpace(byte) {
                return false
            }
        }
        return true
    }
}
