// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A number as JSON writes it (RFC 8259 §6), whatever its size.
package struct JSONNumber {
    /// The place behind it.
    let end: Int
    /// Digits in front of the point.
    let digits: Int
    /// Whether it has neither a fraction nor an exponent.
    let isInteger: Bool
    /// What follows `e`, no further from 0 than any text's length is; 0 where there is none.
    private let exponent: Int

    /// The number that begins at `start`; nil where none does.
    init?(in text: UnsafeBufferPointer<UInt8>, at start: Int) {
        var at = start
        func isNext(_ byte: UInt8) -> Bool { unsafe at < text.count && text[at] == byte }
        func skipDigits() -> Int {
            let first = at
            while at < text.count, unsafe text[at] &- 0x30 < 10 { at &+= 1 }
            return at &- first
        }
        if isNext(UInt8(ascii: "-")) { at &+= 1 }
        let startsWithZero = isNext(UInt8(ascii: "0"))
        digits = skipDigits()
        guard digits > 0, digits == 1 || !startsWithZero else { return nil }
        let isFraction = isNext(UInt8(ascii: "."))
        if isFraction {
            at &+= 1
            guard skipDigits() > 0 else { return nil }
        }
        let hasExponent = isNext(UInt8(ascii: "e")) || isNext(UInt8(ascii: "E"))
        var exponent = 0
        if hasExponent {
            at &+= 1
            let isNegative = isNext(UInt8(ascii: "-"))
            if isNegative || isNext(UInt8(ascii: "+")) { at &+= 1 }
            let first = at
            while at < text.count, unsafe text[at] &- 0x30 < 10 {
                exponent = unsafe min(exponent &* 10 &+ Int(text[at] &- 0x30), 1_000_000)
                at &+= 1
            }
            guard at > first else { return nil }
            if isNegative { exponent = 0 &- exponent }
        }
        self.exponent = exponent
        isInteger = !isFraction && !hasExponent
        end = at
    }

    /// Whether a double can hold it, rounded; `text` is the number itself.
    ///
    /// Converting costs more than reading the rest of the number, so its digits are compared.
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
        for index in 0..<Self.bound.utf8CodeUnitCount {
            while at < text.count, unsafe text[at] == UInt8(ascii: ".") { at &+= 1 }
            // Where the digits end, as many zeros as one likes follow.
            var digit = UInt8(ascii: "0")
            if at < text.count, unsafe text[at] &- 0x30 < 10 {
                digit = unsafe text[at]
                at &+= 1
            }
            let bound = unsafe Self.bound.utf8Start[index]
            if digit != bound { return digit < bound }
        }
        return false
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
