// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The two spellings of an ECDSA signature: R‖S of fixed length in a JWS (RFC 7518 §3.4), DER for OpenSSL.
enum ECDSASignature {
    /// Encodes R‖S, whose length the caller's curve fixes, as DER.
    ///
    /// Nil for any other length.
    static func der(fromRaw raw: UnsafeRawBufferPointer, coordinateBytes: Int) -> [UInt8]? {
        guard raw.count == 2 * coordinateBytes else { return nil }
        let r = unsafe integer(UnsafeRawBufferPointer(rebasing: raw[..<coordinateBytes]))
        let s = unsafe integer(UnsafeRawBufferPointer(rebasing: raw[coordinateBytes...]))
        let length = r.count + s.count
        // At most 2 · (66 + 3) bytes, so that one length byte beyond the short form is enough.
        let header: [UInt8] = length < 128 ? [0x30, UInt8(length)] : [0x30, 0x81, UInt8(length)]
        return header + r + s
    }

    /// A DER INTEGER: minimal, with a zero byte in front where the top bit is set.
    private static func integer(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let digits = unsafe bytes.drop { $0 == 0 }
        let needsZero = unsafe (digits.first ?? 0x80) & 0x80 != 0
        var encoded: [UInt8] = [0x02, UInt8(unsafe digits.count + (needsZero ? 1 : 0))]
        if needsZero { encoded.append(0) }
        unsafe encoded.append(contentsOf: digits)
        return encoded
    }
}
