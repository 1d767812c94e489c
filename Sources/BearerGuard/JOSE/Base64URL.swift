// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// base64url without padding, exactly as RFC 7515 §2 has it: one text for one sequence of bytes.
package enum Base64URL {
    /// Decodes `text`, or returns nil for any other character, an impossible length or non-zero unused bits.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? { decode(Array(text)[...]) }

    /// Decodes `text` where it lies.
    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard let size = decodedCount(text.count) else { return nil }
        var isValid = true
        let decoded = [UInt8](capacity: size + 1) { output in isValid = decode(text, into: &output) }
        return isValid ? decoded : nil
    }

    /// How many bytes so many characters stand for; nil for an impossible length.
    static func decodedCount(_ characters: Int) -> Int? {
        let rest = characters % 4
        return rest == 1 ? nil : characters / 4 * 3 + max(0, rest - 1)
    }

    /// Decodes `text` behind what `output` has, where there must be room for one byte more than it stands for; false for
    /// any other character, an impossible length or non-zero unused bits.
    @_optimize(speed)
    static func decode(_ text: ArraySlice<UInt8>, into output: inout OutputSpan<UInt8>) -> Bool {
        unsafe text.withUnsafeBufferPointer { text in
            unsafe output.withUnsafeMutableBufferPointer { output, count in
                guard let size = decodedCount(text.count), output.count - count > size else { return false }
                let room = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(output)[count...]
                )
                count += size
                return unsafe decode(text, into: room)
            }
        }
    }

    @_optimize(speed)
    private static func decode(
        _ text: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableRawBufferPointer
    ) -> Bool {
        let places = places
        guard let start = output.baseAddress else { return false }
        let rest = text.count % 4
        let whole = text.count &- rest
        var seen: UInt32 = 0
        var source = 0
        var target = 0
        // Every index is below the counts that the loop's bounds were made of. Four bytes are written at a time, of which
        // the next three overwrite the last.
        @inline(__always)
        func four() {
            let bits =
                unsafe places[Int(text[source])] | places[256 &+ Int(text[source &+ 1])]
                | places[512 &+ Int(text[source &+ 2])] | places[768 &+ Int(text[source &+ 3])]
            seen |= bits
            unsafe start.storeBytes(of: bits.littleEndian, toByteOffset: target, as: UInt32.self)
            source &+= 4
            target &+= 3
        }
        while source &+ 8 <= whole {
            four()
            four()
        }
        if source < whole { four() }
        if rest > 0 {
            var bits = unsafe places[Int(text[whole])] | places[256 + Int(text[whole + 1])]
            if rest == 3 { unsafe bits |= places[512 + Int(text[whole + 2])] }
            seen |= bits
            unsafe output[target] = UInt8(truncatingIfNeeded: bits)
            if rest == 3 { unsafe output[target + 1] = UInt8(truncatingIfNeeded: bits >> 8) }
            // Unused bits must be zero, otherwise one signature would have several spellings.
            let unused: UInt32 = rest == 2 ? 0x00FF_FF00 : 0x00FF_0000
            if bits & unused != 0 { return false }
        }
        return seen & foreign == 0
    }

    /// Encodes `bytes` without padding.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String { encode(Array(bytes)) }

    package static func encode(_ bytes: [UInt8]) -> String {
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

    /// Set in the place of every character outside the alphabet.
    private static let foreign: UInt32 = 1 << 24
    /// The six bits of each character where they belong in three bytes of which the first is lowest, for each of four places.
    private static let places: ConstantTable<UInt32> = {
        var places = [UInt32](repeating: foreign, count: 4 * 256)
        for (value, character) in alphabet.enumerated() {
            for place in 0..<4 {
                places[256 * place + Int(character)] = (UInt32(value) << UInt32(26 - 6 * place)).byteSwapped
            }
        }
        return ConstantTable(places)
    }()
}
