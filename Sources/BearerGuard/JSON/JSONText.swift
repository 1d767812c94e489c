// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What stands between the quotes of a JSON string (RFC 8259 §7), in UTF-8 (RFC 3629).
enum JSONText {
    /// The first place from `start` on with a quote, a backslash, a control character or a byte beyond ASCII.
    @inline(__always)
    static func plainEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        guard let base = unsafe UnsafeRawPointer(text.baseAddress) else { return start }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        var at = start
        while at &+ 8 <= text.count {
            let word = unsafe UInt64(littleEndian: (base + at).loadUnaligned(as: UInt64.self))
            // A byte's top bit is set where it is under 0x20, one of the two characters, or beyond ASCII; what a borrow
            // sets wrongly stands above the first that is right.
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            let found =
                (((word &- (ones &* 0x20)) & ~word) | ((quotes &- ones) & ~quotes)
                    | ((backslashes &- ones) & ~backslashes) | word) & tops
            if found != 0 { return at &+ found.trailingZeroBitCount / 8 }
            at &+= 8
        }
        while at < text.count {
            let byte = unsafe text[at]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { break }
            at &+= 1
        }
        return at
    }

    /// Whether every byte is printable ASCII, and no space where none is wanted.
    static func isPrintable(_ text: UnsafeBufferPointer<UInt8>, withSpaces: Bool) -> Bool {
        guard let base = unsafe UnsafeRawPointer(text.baseAddress) else { return true }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let lowest: UInt64 = withSpaces ? 0x20 : 0x21
        var found: UInt64 = 0
        func look(_ word: UInt64) {
            // A byte's top bit is set where it is too low, or from 0x7F on; what a carry or borrow sets wrongly stands above
            // a byte that is refused already.
            found |= word | (word &+ ones) | ((word &- ones &* lowest) & ~word)
        }
        var at = 0
        while at &+ 8 <= text.count {
            unsafe look(UInt64(littleEndian: (base + at).loadUnaligned(as: UInt64.self)))
            at &+= 8
        }
        if at < text.count {
            var word = ones &* 0x78
            while at < text.count {
                unsafe word = word &<< 8 | UInt64(text[at])
                at &+= 1
            }
            look(word)
        }
        return found & 0x8080_8080_8080_8080 == 0
    }

    /// The place behind the scalar that begins at `start`, which is no ASCII one; nil for what is not UTF-8.
    static func scalarEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        let first = unsafe text[start]
        // The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
        let (count, second): (Int, ClosedRange<UInt8>) =
            switch first {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: (0, 0...0)
            }
        guard count > 0, text.count &- start >= count, unsafe second.contains(text[start &+ 1]) else { return nil }
        for offset in 2..<max(2, count) where unsafe text[start &+ offset] & 0xC0 != 0x80 { return nil }
        return start &+ count
    }

    /// The place behind the escape that begins at `start`; nil for one that is none.
    static func escapeEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        guard start &+ 1 < text.count else { return nil }
        switch unsafe text[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"): return unsafe scalarEscape(text, start)?.end
        default: return nil
        }
    }

    /// The scalar that `\u` with four digits, or two of them as a surrogate pair, stand for.
    private static func scalarEscape(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int
    ) -> (scalar: UInt32, end: Int)? {
        guard let first = unsafe codeUnit(text, start) else { return nil }
        guard first & 0xF800 == 0xD800 else { return (first, start &+ 6) }
        guard first < 0xDC00, let second = unsafe codeUnit(text, start &+ 6), second & 0xFC00 == 0xDC00 else {
            return nil
        }
        return (0x1_0000 &+ ((first & 0x3FF) << 10 | second & 0x3FF), start &+ 12)
    }

    private static func codeUnit(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt32? {
        guard text.count &- start >= 6, unsafe text[start] == UInt8(ascii: "\\"),
            unsafe text[start &+ 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            let byte = unsafe text[start &+ offset]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt32(byte &- 0x30)
            case UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "a")...UInt8(ascii: "f"):
                unit = unit << 4 | UInt32((byte | 0x20) &- UInt8(ascii: "a") &+ 10)
            default: return nil
            }
        }
        return unit
    }

    /// Writes the bytes that `text` reads as, which was checked before.
    static func decode(_ text: UnsafeBufferPointer<UInt8>, into output: inout ScratchStack<UInt8>) {
        var at = 0
        while at < text.count {
            let byte = unsafe text[at]
            guard byte == UInt8(ascii: "\\"), at &+ 1 < text.count else {
                output.append(byte)
                at &+= 1
                continue
            }
            switch unsafe text[at &+ 1] {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"):
                guard let (value, end) = unsafe scalarEscape(text, at), let scalar = Unicode.Scalar(value) else {
                    return
                }
                if value < 0x80 {
                    output.append(UInt8(truncatingIfNeeded: value))
                } else if let encoded = UTF8.encode(scalar) {
                    for byte in encoded { output.append(byte) }
                }
                at = end
                continue
            case let other: output.append(other)
            }
            at &+= 2
        }
    }
}
