// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// The owner of one OpenSSL object that is finished once this exists.
///
/// `@unchecked Sendable` is sound because the object is never changed after `init`: keys are only read, and contexts
/// are templates that every use duplicates (OpenSSL counts references atomically and documents both as safe).
@safe final class OpenSSLHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let release: (OpaquePointer) -> Void

    /// Takes over `pointer`; nil when OpenSSL gave none.
    init?(_ pointer: OpaquePointer?, release: @escaping (OpaquePointer) -> Void) {
        guard let pointer = unsafe pointer else { return nil }
        unsafe self.pointer = pointer
        unsafe self.release = release
    }

    deinit { unsafe release(pointer) }
}

extension OpenSSLHandle {
    /// A `BIGNUM`, the highest byte first; nil when OpenSSL fails.
    convenience init?(number bytes: [UInt8]) {
        unsafe self.init(BN_bin2bn(bytes, Int32(clamping: bytes.count), nil), release: { unsafe BN_free($0) })
    }

    /// A `BN_CTX`, for one thread's use; nil when OpenSSL fails.
    static func temporaryNumbers() -> OpenSSLHandle? {
        unsafe OpenSSLHandle(BN_CTX_new(), release: { unsafe BN_CTX_free($0) })
    }
}
