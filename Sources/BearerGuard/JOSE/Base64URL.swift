// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// base64url without padding, exactly as RFC 7515 §2 has it: one text for one sequence of bytes.
package enum Base64URL {
    /// Decodes `text`, or returns nil for any other character, an impossible length or non-zero unused bits.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        // The closure's own result is nil where the text cannot be decoded, the outer one where it is not contiguous.
        if let decoded = text.withContiguousStorageIfAvailable({ unsafe decode($0) }) { return decoded }
        return unsafe Array(text).withUnsafeBufferPointer { unsafe decode($0) }
    }

    private static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        let rest = text.count % 4
        guard rest != 1 else { return nil }
        let whole = text.count - rest
        var isValid = true
        let size = whole / 4 * 3 + (rest == 0 ? 0 : rest - 1)
        let output = unsafe [UInt8](unsafeUninitializedCapacity: size) { output, count in
            unsafe values.withUnsafeBufferPointer { values in
                var seen: UInt32 = 0
                var source = 0
                var target = 0
                // Every index is below the counts that the loop's bounds were made of.
                while source < whole {
                    let a = unsafe UInt32(values[Int(text[source])])
                    let b = unsafe UInt32(values[Int(text[source &+ 1])])
                    let c = unsafe UInt32(values[Int(text[source &+ 2])])
                    let d = unsafe UInt32(values[Int(text[source &+ 3])])
                    seen |= a | b | c | d
                    let bits = a << 18 | b << 12 | c << 6 | d
                    unsafe output[target] = UInt8(truncatingIfNeeded: bits >> 16)
                    unsafe output[target &+ 1] = UInt8(truncatingIfNeeded: bits >> 8)
                    unsafe output[target &+ 2] = UInt8(truncatingIfNeeded: bits)
                    source &+= 4
                    target &+= 3
                }
                if rest > 0 {
                    let a = unsafe UInt32(values[Int(text[whole])])
                    let b = unsafe UInt32(values[Int(text[whole + 1])])
                    let c = unsafe rest == 3 ? UInt32(values[Int(text[whole + 2])]) : 0
                    seen |= a | b | c
                    let bits = a << 18 | b << 12 | c << 6
                    unsafe output[target] = UInt8(truncatingIfNeeded: bits >> 16)
                    if rest == 3 { unsafe output[target + 1] = UInt8(truncatingIfNeeded: bits >> 8) }
                    // Unused bits must be zero, otherwise one signature would have several spellings.
                    let unused: UInt32 = rest == 2 ? 0xFFFF : 0xFF
                    if bits & unused != 0 { isValid = false }
                }
                // Values of the alphabet have six bits; every other character has the top bit.
                if seen & 0x80 != 0 { isValid = false }
            }
            count = size
        }
        return isValid ? output : nil
    }

    /// Encodes `bytes` without padding.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                output.append(alphabet[Int(bits >> UInt32(bitCount) & 0x3F)])
            }
        }
        if bitCount > 0 { output.append(alphabet[Int(bits << UInt32(6 - bitCount) & 0x3F)]) }
        return String(decoding: output, as: UTF8.self)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The six bits of each character; the top bit for those outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0x80, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()
}
