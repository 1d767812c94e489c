// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// SHA-256 of bytes at hand, for thumbprints and fingerprints.
package enum SHA256 {
    /// The 32 bytes of the digest; empty only if this OpenSSL has no SHA-256, where no signature verifies either.
    package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        OpenSSLErrorStack.isolated {
            unsafe Array(bytes).withUnsafeBytes { unsafe Digest.sha256.hash($0) } ?? []
        }
    }
}

/// Comparison whose time depends on the lengths alone.
package enum ConstantTime {
    package static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return unsafe left.withUnsafeBytes { a in
            unsafe right.withUnsafeBytes { b in unsafe CRYPTO_memcmp(a.baseAddress, b.baseAddress, a.count) == 0 }
        }
    }
}
