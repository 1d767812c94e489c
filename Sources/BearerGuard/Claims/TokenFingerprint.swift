// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A keyed hash of a token: names it in logs and reports, and cannot be turned back or compared without the key.
public struct TokenFingerprint: Sendable, Hashable, CustomStringConvertible, BitwiseCopyable {
    private let high: UInt64
    private let low: UInt64
    /// Without it there is no text: no token is to pass for another.
    private let isMade: Bool

    /// 32 hexadecimal digits.
    public var text: String {
        guard let digits else { return "" }
        return unsafe withUnsafeBytes(of: digits) { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The bytes of ``text`` as they stand in memory.
    package var digits: (UInt64, UInt64, UInt64, UInt64)? {
        guard isMade else { return nil }
        return (
            Self.digits(high >> 32), Self.digits(high & 0xFFFF_FFFF),
            Self.digits(low >> 32), Self.digits(low & 0xFFFF_FFFF)
        )
    }

    /// The eight hexadecimal digits of a number of 32 bits, as they stand in memory.
    @inline(__always)
    private static func digits(_ number: UInt64) -> UInt64 {
        // Four bits to a byte, in three steps; then what a digit of 10 and more has on top.
        var digits = (number | number << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (digits &+ 0x3030_3030_3030_3030 &+ letters &* UInt64(UInt8(ascii: "a") - 10 - UInt8(ascii: "0")))
            .bigEndian
    }

    /// The 32 digits.
    public var description: String { text }

    /// A key that fingerprints are made with.
    public struct Key: Sendable {
        private let hash: KeyedHash

        /// A key of this process alone: fingerprints of two processes do not match.
        public static func random() -> Key {
            var generator = SystemRandomNumberGenerator()
            return Key(trusted: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        }

        /// A key that several processes share, so that their logs can be joined.
        ///
        /// - Throws: ``ConfigurationError`` when it has fewer than 32 bytes.
        public init(_ secret: [UInt8]) throws(ConfigurationError) {
            guard secret.count >= 32 else { throw ConfigurationError("a fingerprint key needs at least 32 bytes") }
            self.init(trusted: secret)
        }

        private init(trusted bytes: [UInt8]) { hash = KeyedHash(key: bytes) }

        /// The key of reports that must repeat exactly: known to everyone, as a report names tokens the reader holds.
        package static let report = Key(trusted: Array("BearerGuard report fingerprint, v1".utf8))

        package func fingerprint(of token: ArraySlice<UInt8>) -> TokenFingerprint {
            let half = unsafe token.withUnsafeBytes { unsafe hash.firstHalf(of: $0) }
            return TokenFingerprint(high: half?.0 ?? 0, low: half?.1 ?? 0, isMade: half != nil)
        }
    }
}
