// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// A message digest, fetched once: a late fetch costs more than a short hash and scales badly over threads.
final class Digest: Sendable {
    static let sha256 = Digest("SHA2-256", bytes: 32, identifier: 1)
    static let sha384 = Digest("SHA2-384", bytes: 48, identifier: 2)
    static let sha512 = Digest("SHA2-512", bytes: 64, identifier: 3)

    let name: String
    let byteCount: Int
    /// The last number of its object identifier, 2.16.840.1.101.3.4.2.x.
    let identifier: UInt8
    /// Nil where the host's OpenSSL offers no such digest: then nothing verifies.
    private let handle: OpenSSLHandle?

    private init(_ name: String, bytes: Int, identifier: UInt8) {
        self.name = name
        self.identifier = identifier
        byteCount = bytes
        handle = OpenSSLErrorStack.isolated {
            unsafe OpenSSLHandle(EVP_MD_fetch(nil, name, nil)) { unsafe EVP_MD_free($0) }
        }
    }

    /// The method to hand to OpenSSL; borrowed from this digest.
    var method: OpaquePointer? { unsafe handle?.pointer }

    /// The digest of `message`, or nil when OpenSSL fails.
    func hash(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let handle else { return nil }
        var isHashed = false
        let output = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            var length: UInt32 = 0
            isHashed =
                unsafe EVP_Digest(message.baseAddress, message.count, buffer.baseAddress, &length, handle.pointer, nil)
                == 1 && Int(length) == byteCount
            count = isHashed ? byteCount : 0
        }
        return isHashed ? output : nil
    }
}
