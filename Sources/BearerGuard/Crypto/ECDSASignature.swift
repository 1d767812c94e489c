// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The two spellings of an ECDSA signature: R‖S of fixed length in a JWS (RFC 7518 §3.4), DER for OpenSSL.
enum ECDSASignature {
    /// Most bytes of a DER signature here: header, and two integers of 66 bytes with a zero in front.
    private static let capacity = 3 + 2 * (2 + 67)

    /// Lends R‖S, whose length the caller's curve fixes, as DER; nil for any other length.
    static func withDER<Value>(
        fromRaw raw: UnsafeRawBufferPointer,
        coordinateBytes: Int,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value? {
        guard raw.count == 2 * coordinateBytes, coordinateBytes <= 66 else { return nil }
        let r = unsafe UnsafeRawBufferPointer(rebasing: raw[..<coordinateBytes].drop { $0 == 0 })
        let s = unsafe UnsafeRawBufferPointer(rebasing: raw[coordinateBytes...].drop { $0 == 0 })
        return unsafe withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { buffer in
            var count = 0
            func append(_ byte: UInt8) {
                unsafe buffer[count] = byte
                count += 1
            }
            /// A DER INTEGER: minimal, with a zero byte in front where the top bit is set.
            func append(_ digits: UnsafeRawBufferPointer) {
                let needsZero = unsafe needsZero(digits)
                append(0x02)
                append(UInt8(truncatingIfNeeded: digits.count + (needsZero ? 1 : 0)))
                if needsZero { append(0) }
                for index in digits.indices { unsafe append(digits[index]) }
            }
            let length = unsafe integerBytes(r) + integerBytes(s)
            append(0x30)
            // At most 2 · (66 + 3) bytes, so that one length byte beyond the short form is enough.
            if length >= 128 { append(0x81) }
            append(UInt8(truncatingIfNeeded: length))
            unsafe append(r)
            unsafe append(s)
            return unsafe body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    private static func needsZero(_ digits: UnsafeRawBufferPointer) -> Bool {
        unsafe (digits.first ?? 0x80) & 0x80 != 0
    }

    private static func integerBytes(_ digits: UnsafeRawBufferPointer) -> Int {
        unsafe 2 + digits.count + (needsZero(digits) ? 1 : 0)
    }
}
