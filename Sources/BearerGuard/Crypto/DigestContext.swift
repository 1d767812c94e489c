// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// An `EVP_MD_CTX` and room for what it makes, of one thread at a time.
///
/// `@unchecked Sendable` is sound because it is part of what a ``ContextPool`` lends to one thread at a time.
@safe final class DigestContext: @unchecked Sendable {
    private let context: OpaquePointer
    private let output: UnsafeMutableRawBufferPointer

    /// Nil when OpenSSL makes none.
    init?() {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        unsafe self.context = context
        unsafe output = .allocate(byteCount: Int(EVP_MAX_MD_SIZE), alignment: 8)
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
        unsafe output.deallocate()
    }

    /// The digest of `message`, or of it behind `start`, which stands there until the next one is made; nil when OpenSSL
    /// fails.
    func hash(
        _ message: UnsafeRawBufferPointer,
        behind start: UnsafeRawBufferPointer? = nil,
        by digest: Digest
    ) -> UnsafeRawBufferPointer? {
        guard let method = unsafe digest.method, unsafe EVP_DigestInit_ex2(context, method, nil) == 1 else {
            return nil
        }
        if let start = unsafe start, unsafe EVP_DigestUpdate(context, start.baseAddress, start.count) != 1 {
            return nil
        }
        var length: UInt32 = 0
        let bytes = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard unsafe EVP_DigestUpdate(context, message.baseAddress, message.count) == 1,
            unsafe EVP_DigestFinal_ex(context, bytes, &length) == 1, Int(length) == digest.byteCount
        else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: output[..<digest.byteCount])
    }
}
