// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A keyed hash of a token: names it in logs and reports, and cannot be turned back or compared without the key.
public struct TokenFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// 32 hexadecimal digits.
    public let text: String

    /// The 32 digits.
    public var description: String { text }

    /// A key that fingerprints are made with.
    public struct Key: Sendable {
        private let verifier: SignatureVerifier?

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

        private init(trusted bytes: [UInt8]) {
            verifier = SharedSecret(bytes).flatMap { try? $0.verifier(for: .hs256) }
        }

        /// The key of reports that must repeat exactly: known to everyone, as a report names tokens the reader holds.
        package static let report = Key(trusted: Array("BearerGuard report fingerprint, v1".utf8))

        package func fingerprint(of token: ArraySlice<UInt8>) -> TokenFingerprint {
            let code = verifier?.authenticationCode(of: token) ?? []
            let digits = Array("0123456789abcdef".utf8)
            var text: [UInt8] = []
            text.reserveCapacity(32)
            for byte in code.prefix(16) {
                text.append(digits[Int(byte >> 4)])
                text.append(digits[Int(byte & 0xF)])
            }
            return TokenFingerprint(text: String(decoding: text, as: UTF8.self))
        }
    }
}
