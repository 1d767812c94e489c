// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A number as JSON writes it (RFC 8259 §6), whatever its size.
package struct JSONNumber {
    /// Digits that any integer of 64 bits has room for.
    static let integerDigits = 18

    /// The place behind it.
    let end: Int
    /// Digits in front of the point.
    let digits: Int
    /// What follows `e`, no further from 0 than any text's length is; 0 where there is none.
    private let exponent: Int

    /// The number that begins at `start`; nil where none does.
    @_optimize(speed)
    init?(in text: UnsafeBufferPointer<UInt8>, at start: Int) {
        let whole = unsafe Self.has("-", text, start) ? start &+ 1 : start
        var at = unsafe Self.digitsEnd(text, from: whole)
        digits = at &- whole
        guard unsafe digits == 1 || digits > 1 && !Self.has("0", text, whole) else { return nil }
        if unsafe Self.has(".", text, at) {
            let end = unsafe Self.digitsEnd(text, from: at &+ 1)
            guard end > at &+ 1 else { return nil }
            at = end
        }
        var exponent = 0
        if unsafe Self.has("e", text, at) || Self.has("E", text, at) {
            at &+= 1
            let isNegative = unsafe Self.has("-", text, at)
            if unsafe isNegative || Self.has("+", text, at) { at &+= 1 }
            let first = at
            while at < text.count, unsafe text[at] &- 0x30 < 10 {
                exponent = unsafe min(exponent &* 10 &+ Int(text[at] &- 0x30), 1_000_000)
                at &+= 1
            }
            guard at > first else { return nil }
            if isNegative { exponent = 0 &- exponent }
        }
        self.exponent = exponent
        end = at
    }

    @inline(__always)
    private static func has(_ character: Unicode.Scalar, _ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
        unsafe at < text.count && text[at] == UInt8(ascii: character)
    }

    /// The first place from `start` on that has no digit.
    @inline(__always)
    private static func digitsEnd(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var at = start
        while at &+ 8 <= text.count {
            // A byte's top bit is set where it is more than 9; what a carry sets wrongly stands above such a byte.
            let values = unsafe JSONText.word(text, at) ^ (ones &* 0x30)
            let others = ((values &+ ones &* 0x76) | values) & (ones &* 0x80)
            if others != 0 { return at &+ others.trailingZeroBitCount / 8 }
            at &+= 8
        }
        while at < text.count, unsafe text[at] &- 0x30 < 10 { at &+= 1 }
        return at
    }

    /// Whether a double can hold it, rounded; `text` is the number itself.
    ///
    /// Converting costs more than reading the rest of the number, so its digits are compared.
    @_optimize(speed)
    func isFinite(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        // The power of ten that the next digit counts.
        var power = digits &- 1 &+ exponent
        if power < 308 { return true }
        var at = 0
        // To the first digit that is not zero.
        while at < text.count {
            let byte = unsafe text[at]
            if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") { return true }
            if byte > UInt8(ascii: "0") { break }
            if byte == UInt8(ascii: "0") { power &-= 1 }
            at &+= 1
        }
        guard at < text.count, power >= 308 else { return true }
        guard power == 308 else { return false }
        let bound = unsafe UnsafeBufferPointer(start: Self.bound.utf8Start, count: Self.bound.utf8CodeUnitCount)
        var index = 0
        while index < bound.count {
            let same = unsafe Self.sameBytes(text, at, bound, index)
            at &+= same
            index &+= same
            guard index < bound.count else { break }
            if at < text.count, unsafe text[at] == UInt8(ascii: ".") {
                at &+= 1
                continue
            }
            // Where the digits end, as many zeros as one likes follow.
            let digit = at < text.count ? unsafe text[at] &- 0x30 : 10
            let limit = unsafe bound[index] &- 0x30
            if digit < 10 || limit > 0 { return digit >= 10 || digit < limit }
            index &+= 1
        }
        return false
    }

    /// How many bytes from `at` on are those of `other` from `index` on.
    private static func sameBytes(
        _ text: UnsafeBufferPointer<UInt8>,
        _ at: Int,
        _ other: UnsafeBufferPointer<UInt8>,
        _ index: Int
    ) -> Int {
        let most = min(text.count &- at, other.count &- index)
        var count = 0
        while count &+ 8 <= most {
            let differing = unsafe JSONText.word(text, at &+ count) ^ JSONText.word(other, index &+ count)
            if differing != 0 { return count &+ differing.trailingZeroBitCount / 8 }
            count &+= 8
        }
        while count < most, unsafe text[at &+ count] == other[index &+ count] { count &+= 1 }
        return count
    }

    /// 2^1024 − 2^970, from where on numbers do not round to the largest double.
    private static let bound: StaticString = """
        1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070\
        9633028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447\
        5730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904\
        174497792
        """

    /// The text with a plain `0` for each of its numbers.
    ///
    /// It is JSON if `text` is, were it not for numbers that no 64 bits can hold.
    package static func replaced(in text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var isString = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            let number = unsafe isString ? nil : text.withUnsafeBufferPointer { unsafe JSONNumber(in: $0, at: index) }
            if let number {
                output.append(UInt8(ascii: "0"))
                index = number.end
                continue
            }
            if byte == UInt8(ascii: "\"") { isString.toggle() }
            output.append(byte)
            index += 1
            if isString, byte == UInt8(ascii: "\\"), index < text.count {
                output.append(text[index])
                index += 1
            }
        }
        return output
    }
}
