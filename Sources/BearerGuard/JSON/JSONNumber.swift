// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Numbers as JSON writes them (RFC 8259 §6), whatever their size.
enum JSONNumber {
    /// The text with a plain `0` for each of its numbers.
    ///
    /// It is JSON if `text` is, were it not for numbers that no 64 bits can hold.
    static func replaced(in text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        var isString = false
        var index = 0
        while index < text.count {
            let byte = text[index]
            if !isString, let end = end(in: text, from: index) {
                output.append(UInt8(ascii: "0"))
                index = end
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

    /// Where the number ends that begins at `start`; nil where none does.
    private static func end(in text: [UInt8], from start: Int) -> Int? {
        var index = start
        func isNext(_ byte: UInt8) -> Bool { index < text.count && text[index] == byte }
        func digits() -> Int {
            let first = index
            while index < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[index]) { index += 1 }
            return index - first
        }
        if isNext(UInt8(ascii: "-")) { index += 1 }
        if isNext(UInt8(ascii: "0")) {
            index += 1
        } else if digits() == 0 {
            return nil
        }
        if isNext(UInt8(ascii: ".")) {
            index += 1
            guard digits() > 0 else { return nil }
        }
        if isNext(UInt8(ascii: "e")) || isNext(UInt8(ascii: "E")) {
            index += 1
            if isNext(UInt8(ascii: "+")) || isNext(UInt8(ascii: "-")) { index += 1 }
            guard digits() > 0 else { return nil }
        }
        return index
    }
}
