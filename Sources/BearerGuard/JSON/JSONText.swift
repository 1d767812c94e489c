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

    /// The place behind the scalars beyond ASCII that begin at `start`, of which there is one at least; nil for what is not
    /// UTF-8.
    static func scalarsEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        var at = start
        repeat {
            guard let end = unsafe scalarEnd(text, at) else { return nil }
            at = end
        } while unsafe at < text.count && text[at] >= 0x80
        return at
    }

    @inline(__always)
    private static func scalarEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        let left = text.count &- start
        func isNext(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            unsafe left > offset && range.contains(text[start &+ offset])
        }
        // The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF.
        switch unsafe text[start] {
        case 0xC2...0xDF: return isNext(1) ? start &+ 2 : nil
        case 0xE1...0xEC, 0xEE...0xEF: return isNext(1) && isNext(2) ? start &+ 3 : nil
        case 0xE0: return isNext(1, 0xA0...0xBF) && isNext(2) ? start &+ 3 : nil
        case 0xED: return isNext(1, 0x80...0x9F) && isNext(2) ? start &+ 3 : nil
        case 0xF0: return isNext(1, 0x90...0xBF) && isNext(2) && isNext(3) ? start &+ 4 : nil
        case 0xF1...0xF3: return isNext(1) && isNext(2) && isNext(3) ? start &+ 4 : nil
        case 0xF4: return isNext(1, 0x80...0x8F) && isNext(2) && isNext(3) ? start &+ 4 : nil
        default: return nil
        }
    }

    /// The place behind the escapes that begin at `start`, of which there is one at least; nil where one is none.
    static func escapesEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        let digits = digits
        var at = start
        repeat {
            guard at &+ 1 < text.count else { return nil }
            switch unsafe text[at &+ 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                at &+= 2
            case UInt8(ascii: "u"):
                guard let end = unsafe scalarEscape(text, at, digits)?.end else { return nil }
                at = end
            default: return nil
            }
        } while unsafe at < text.count && text[at] == UInt8(ascii: "\\")
        return at
    }

    /// The scalar that `\u` with four digits, or two of them as a surrogate pair, stand for.
    @inline(__always)
    private static func scalarEscape(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        _ digits: ConstantTable<UInt8>
    ) -> (scalar: UInt32, end: Int)? {
        guard let first = unsafe codeUnit(text, start, digits) else { return nil }
        guard first & 0xF800 == 0xD800 else { return (first, start &+ 6) }
        guard first < 0xDC00, let second = unsafe codeUnit(text, start &+ 6, digits), second & 0xFC00 == 0xDC00 else {
            return nil
        }
        return (0x1_0000 &+ ((first & 0x3FF) << 10 | second & 0x3FF), start &+ 12)
    }

    @inline(__always)
    private static func codeUnit(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        _ digits: ConstantTable<UInt8>
    ) -> UInt32? {
        guard text.count &- start >= 6, unsafe text[start] == UInt8(ascii: "\\"),
            unsafe text[start &+ 1] == UInt8(ascii: "u")
        else { return nil }
        @inline(__always)
        func digit(_ offset: Int) -> UInt32 { unsafe UInt32(digits[Int(text[start &+ offset])]) }
        let (first, second, third, fourth) = (digit(2), digit(3), digit(4), digit(5))
        guard first | second | third | fourth < 16 else { return nil }
        return first << 12 | second << 8 | third << 4 | fourth
    }

    /// The values of hexadecimal digits; 16 for what is none.
    private static let digits: ConstantTable<UInt8> = {
        var values = [UInt8](repeating: 16, count: 256)
        for (value, digit) in "0123456789abcdef".utf8.enumerated() { values[Int(digit)] = UInt8(value) }
        for (value, digit) in "ABCDEF".utf8.enumerated() { values[Int(digit)] = UInt8(value) + 10 }
        return ConstantTable(values)
    }()

    /// Writes the bytes that `text` reads as, which was checked before.
    static func decode(_ text: UnsafeBufferPointer<UInt8>, into output: inout ScratchStack<UInt8>) {
        let digits = digits
        // An escape is never shorter than what it stands for.
        unsafe output.extend(by: text.count) { output in
            var at = 0
            var count = 0
            func append(_ byte: UInt8) {
                unsafe output[count] = byte
                count &+= 1
            }
            while at < text.count {
                let byte = unsafe text[at]
                guard byte == UInt8(ascii: "\\"), at &+ 1 < text.count else {
                    append(byte)
                    at &+= 1
                    continue
                }
                switch unsafe text[at &+ 1] {
                case UInt8(ascii: "b"): append(0x08)
                case UInt8(ascii: "f"): append(0x0C)
                case UInt8(ascii: "n"): append(0x0A)
                case UInt8(ascii: "r"): append(0x0D)
                case UInt8(ascii: "t"): append(0x09)
                case UInt8(ascii: "u"):
                    guard let (value, end) = unsafe scalarEscape(text, at, digits) else { return count }
                    if value < 0x80 {
                        append(UInt8(truncatingIfNeeded: value))
                    } else if let scalar = Unicode.Scalar(value), let encoded = UTF8.encode(scalar) {
                        for byte in encoded { append(byte) }
                    }
                    at = end
                    continue
                case let other: append(other)
                }
                at &+= 2
            }
            return count
        }
    }
}
