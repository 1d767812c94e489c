// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What stands between the quotes of a JSON string (RFC 8259 §7), in UTF-8 (RFC 3629), and words without quotes.
enum JSONText {
    /// The first place from `start` on with a quote, a backslash, a control character or a byte beyond ASCII.
    @inline(__always)
    static func plainEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var at = start
        while at &+ 8 <= text.count {
            let plain = unsafe plainBytes(word(text, at))
            at &+= plain
            if plain < 8 { return at }
            // What is long so far, mostly goes on.
            if at &- start == 32 { unsafe at = skippingPlain(text, at) }
        }
        while at < text.count, unsafe isPlain(text[at]) { at &+= 1 }
        return at
    }

    /// A place behind nothing but plain bytes, with one that is not, or the end, within the next 16 bytes.
    @_optimize(speed)
    @inline(never)
    private static func skippingPlain(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        let bytes = unsafe UnsafeRawPointer(text.baseAddress.unsafelyUnwrapped)
        let ones = SIMD2<UInt64>(repeating: 0x0101_0101_0101_0101)
        /// As in `plainBytes`.
        @inline(__always)
        func others(_ at: Int) -> SIMD2<UInt64> {
            let words = unsafe bytes.loadUnaligned(fromByteOffset: at, as: SIMD2<UInt64>.self)
            let low = (words ^ (ones &* 0x02)) &- ones &* 0x21
            let backslashes = (words ^ (ones &* 0x5C)) &- ones
            return low | backslashes
        }
        func arePlain(_ others: SIMD2<UInt64>) -> Bool { (others.x | others.y) & 0x8080_8080_8080_8080 == 0 }
        var at = start
        while at &+ 64 <= text.count,
            arePlain(others(at) | others(at &+ 16) | others(at &+ 32) | others(at &+ 48))
        {
            at &+= 64
        }
        while at &+ 16 <= text.count, arePlain(others(at)) { at &+= 16 }
        return at
    }

    /// The plain bytes that begin at `start`, of which there are fewer than a word has, the first one lowest, their number
    /// and the byte behind them; nil where there are more, or the text ends too soon to tell.
    @inline(__always)
    static func shortPlain(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int
    ) -> (word: UInt64, count: Int, next: UInt8)? {
        guard start &+ 8 <= text.count else { return nil }
        let word = unsafe word(text, start)
        let count = plainBytes(word)
        let bits = UInt64(truncatingIfNeeded: 8 &* count)
        return count < 8 ? (word & ~(UInt64.max &<< bits), count, UInt8(truncatingIfNeeded: word &>> bits)) : nil
    }

    /// The eight to fifteen plain bytes that begin at `start`, with a quote behind them; nil for any other text.
    @inline(__always)
    static func quotedPlain(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int
    ) -> (word: UInt64, tail: UInt64, count: Int)? {
        guard let (tail, count, next) = unsafe shortPlain(text, start &+ 8), next == UInt8(ascii: "\"") else {
            return nil
        }
        let word = unsafe word(text, start)
        return plainBytes(word) == 8 ? (word, tail, 8 &+ count) : nil
    }

    /// Eight bytes, the first one lowest, which the text must have.
    @inline(__always)
    static func word(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt64 {
        unsafe UInt64(
            littleEndian: UnsafeRawPointer(text.baseAddress.unsafelyUnwrapped).loadUnaligned(
                fromByteOffset: start,
                as: UInt64.self
            )
        )
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte != 0x22 && byte != 0x5C && byte >= 0x20 && byte < 0x80 }

    /// How many of a word's bytes are plain, from the lowest one on.
    @inline(__always)
    private static func plainBytes(_ word: UInt64) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // A byte's top bit is set where it is under 0x20, one of the two characters, or beyond ASCII; what a borrow sets
        // wrongly stands above the first that is right. With one bit turned, a quote is next to what is under 0x20. What is
        // beyond ASCII keeps its top bit in one of the two, whatever is borrowed.
        let low = (word ^ (ones &* 0x02)) &- ones &* 0x21
        let backslashes = (word ^ (ones &* 0x5C)) &- ones
        let found = (low | backslashes) & (ones &* 0x80)
        return found.trailingZeroBitCount / 8
    }

    /// The place behind a word that stands for a value (RFC 8259 §3).
    static func literal(
        _ word: StaticString,
        in text: UnsafeBufferPointer<UInt8>,
        at start: Int
    ) throws(JSONError) -> Int {
        let count = word.utf8CodeUnitCount
        guard text.count &- start >= count else { throw .malformed }
        for offset in 0..<count where unsafe text[start &+ offset] != word.utf8Start[offset] { throw .malformed }
        return start &+ count
    }

    /// Whether every byte is printable ASCII, and no space where none is wanted.
    @_optimize(speed)
    static func isPrintable(_ text: UnsafeBufferPointer<UInt8>, withSpaces: Bool) -> Bool {
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
            unsafe look(word(text, at))
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
    @_optimize(speed)
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
    @_optimize(speed)
    static func escapesEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        let digits = digits
        var at = start
        repeat {
            guard let end = unsafe escape(text, at, digits)?.end else { return nil }
            at = end
        } while unsafe at < text.count && text[at] == UInt8(ascii: "\\")
        return at
    }

    /// The scalar that an escape stands for, and the place behind it; nil where it is none.
    @inline(__always)
    private static func escape(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        _ digits: ConstantTable<UInt8>
    ) -> (scalar: UInt32, end: Int)? {
        guard start &+ 1 < text.count else { return nil }
        let letter = unsafe text[start &+ 1]
        switch letter {
        case UInt8(ascii: "u"): return unsafe scalarEscape(text, start, digits)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UInt32(letter), start &+ 2)
        case UInt8(ascii: "b"): return (0x08, start &+ 2)
        case UInt8(ascii: "f"): return (0x0C, start &+ 2)
        case UInt8(ascii: "n"): return (0x0A, start &+ 2)
        case UInt8(ascii: "r"): return (0x0D, start &+ 2)
        case UInt8(ascii: "t"): return (0x09, start &+ 2)
        default: return nil
        }
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
    static let digits: ConstantTable<UInt8> = {
        var values = [UInt8](repeating: 16, count: 256)
        for (value, digit) in "0123456789abcdef".utf8.enumerated() { values[Int(digit)] = UInt8(value) }
        for (value, digit) in "ABCDEF".utf8.enumerated() { values[Int(digit)] = UInt8(value) + 10 }
        return ConstantTable(values)
    }()

    /// Reads a string from behind its quote on, and writes the bytes that it reads as; the place of the quote that ends it, nil
    /// for what is no string.
    ///
    /// - Parameters:
    ///   - output: room for a word more than the string has bytes as it is written.
    ///   - count: how many bytes were written.
    @inline(__always)
    static func read(
        _ text: UnsafeBufferPointer<UInt8>,
        from start: Int,
        into output: UnsafeMutablePointer<UInt8>,
        _ count: inout Int,
        _ digits: ConstantTable<UInt8>
    ) -> Int? {
        let output = UnsafeMutableRawPointer(output)
        var at = start
        while at < text.count {
            if at &+ 8 <= text.count {
                let word = unsafe word(text, at)
                let plain = plainBytes(word)
                unsafe output.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
                count &+= plain
                at &+= plain
                if plain == 8 { continue }
            }
            let byte = unsafe text[at]
            if byte == UInt8(ascii: "\\") {
                guard let (scalar, end) = unsafe escape(text, at, digits) else { return nil }
                let (word, more) = utf8(scalar)
                unsafe output.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
                count &+= more
                at = end
            } else if byte == UInt8(ascii: "\"") {
                return at
            } else {
                let plainEnd = isPlain(byte) ? at &+ 1 : nil
                guard let end = unsafe byte < 0x80 ? plainEnd : scalarEnd(text, at) else {
                    return nil
                }
                while at < end {
                    unsafe output.storeBytes(of: text[at], toByteOffset: count, as: UInt8.self)
                    count &+= 1
                    at &+= 1
                }
            }
        }
        return nil
    }

    /// A scalar's bytes, the first one lowest.
    @inline(__always)
    private static func utf8(_ scalar: UInt32) -> (word: UInt64, count: Int) {
        let scalar = UInt64(scalar)
        func next(_ shift: UInt64) -> UInt64 { 0x80 | scalar >> shift & 0x3F }
        if scalar < 0x80 { return (scalar, 1) }
        if scalar < 0x800 { return (0xC0 | scalar >> 6 | next(0) << 8, 2) }
        if scalar < 0x1_0000 { return (0xE0 | scalar >> 12 | next(6) << 8 | next(0) << 16, 3) }
        return (0xF0 | scalar >> 18 | next(12) << 8 | next(6) << 16 | next(0) << 24, 4)
    }
}
