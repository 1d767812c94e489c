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
    /// Digits of the exponent; 0 where there is none.
    private let exponentDigits: Int

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
        var exponentDigits = 0
        if hasExponent {
            at &+= 1
            if isNext(UInt8(ascii: "+")) || isNext(UInt8(ascii: "-")) { at &+= 1 }
            exponentDigits = skipDigits()
            guard exponentDigits > 0 else { return nil }
        }
        self.exponentDigits = exponentDigits
        isInteger = !isFraction && !hasExponent
        end = at
    }

    /// Whether a double can hold it, rounded; `text` is the number itself.
    ///
    /// Converting costs more than reading the rest of the number, so only what is as large as the largest double to the
    /// last of 19 digits is converted.
    func isFinite(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        // At most 10^199 × 10^99.
        if digits < 200, exponentDigits <= 2 { return true }
        // The power of ten of the first digit that is not zero, and the digits from there on.
        var power = digits - 1
        var leading: UInt64 = 0
        var leadingCount = 0
        var exponent = 0
        var isExponent = false
        var isNegativeExponent = false
        var isPastPoint = false
        for index in 0..<text.count {
            let byte = unsafe text[index]
            switch byte {
            case UInt8(ascii: "."): isPastPoint = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isExponent = true
            case UInt8(ascii: "-"): isNegativeExponent = isExponent
            case UInt8(ascii: "+"): continue
            default:
                let digit = UInt64(byte &- 0x30)
                if isExponent {
                    // Beyond any text's length it makes no difference how far.
                    exponent = min(exponent * 10 + Int(digit), 1_000_000)
                } else if leadingCount == 0, digit == 0 {
                    if isPastPoint || digits == 1 { power -= 1 }
                } else if leadingCount < 19 {
                    leading = leading * 10 + digit
                    leadingCount += 1
                }
            }
        }
        guard leadingCount > 0 else { return true }
        let magnitude = power + (isNegativeExponent ? -exponent : exponent)
        guard magnitude == 308 else { return magnitude < 308 }
        for _ in leadingCount..<19 { leading *= 10 }
        if leading != Self.largest { return leading < Self.largest }
        return unsafe Double(String(decoding: text, as: UTF8.self))?.isFinite ?? false
    }

    /// The first 19 digits of 2^1024 − 2^970, from where on numbers do not round to the largest double.
    private static let largest: UInt64 = 1_797_693_134_862_315_807

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
