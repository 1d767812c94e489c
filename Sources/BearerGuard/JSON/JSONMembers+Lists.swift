// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Lists of texts, which scopes, audiences and roles are: looked at in place.
extension JSONMembers {
    /// Whether the value of a member lists a text: as one of the words of a string, or as an entry of an array of strings;
    /// nil where that takes more than looking at bytes.
    func lists(_ wanted: String, at member: TokenMember) -> Bool? {
        let kind = kind(of: member)
        if kind == .absent { return false }
        guard kind == .plainString || kind == .textArray else { return nil }
        return unsafe withPlace(of: member) { value in
            unsafe wanted.withBytes { wanted in
                // Words and entries are looked through alike: neither has the byte that parts them.
                unsafe !Self.forEachPart(value, kind) { unsafe !Self.isEqual($0, wanted) }
            }
        }
    }

    /// Whether the value of a member is a string, or an array of strings, whose every one passes; nil where that takes more
    /// than looking at bytes.
    func allTexts(at member: TokenMember, pass: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        unsafe withPlace(of: member) { value in
            switch kind(of: member) {
            case .plainString: unsafe pass(value)
            case .textArray: unsafe Self.forEachPart(value, .textArray, pass)
            default: nil
            }
        }
    }

    /// The entries of an array of plain strings.
    func texts(_ place: Range<Int>) -> [JSONValue] {
        var texts: [JSONValue] = []
        texts.reserveCapacity(8)
        unsafe text.withUnsafeBufferPointer { text in
            _ = unsafe Self.forEachPart(UnsafeBufferPointer(rebasing: text[place]), .textArray) { entry in
                unsafe texts.append(.string(String(decoding: entry, as: UTF8.self)))
                return true
            }
        }
        return texts
    }

    private func withPlace<Value>(of member: TokenMember, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        unsafe text.withUnsafeBufferPointer { text in
            unsafe body(UnsafeBufferPointer(rebasing: text[place(of: member)]))
        }
    }

    /// Lends each word of a string, or each entry of an array of plain strings, to `body` until it says false; true where it
    /// never does.
    private static func forEachPart(
        _ value: UnsafeBufferPointer<UInt8>,
        _ kind: Kind,
        _ body: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        let isArray = kind == .textArray
        let end: UInt8 = isArray ? UInt8(ascii: "\"") : UInt8(ascii: " ")
        var start = 0
        while start <= value.count {
            if isArray {
                // Between entries stand a comma and space, if anything.
                guard let quote = unsafe value.position(of: end, from: start) else {
                    return true
                }
                start = quote &+ 1
            }
            let next = unsafe value.position(of: end, from: start) ?? value.count
            guard unsafe body(UnsafeBufferPointer(rebasing: value[start..<next])) else { return false }
            start = next &+ 1
        }
        return true
    }
}
