// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// HMAC-SHA256 with one key (RFC 2104), by two digests: OpenSSL's own makes contexts anew for each message, which takes
/// longer than to hash a token.
final class KeyedHash: Sendable {
    /// An `EVP_MD_CTX`.
    ///
    /// `@unchecked Sendable` is sound because the pool lends it to one thread at a time.
    @safe
    private final class Context: @unchecked Sendable {
        let pointer: OpaquePointer

        init?() {
            guard let pointer = unsafe EVP_MD_CTX_new() else { return nil }
            unsafe self.pointer = pointer
        }

        deinit { unsafe EVP_MD_CTX_free(pointer) }
    }

    private static let digest = Digest.sha256
    /// Bytes that SHA-256 takes in at once.
    private static let blockBytes = 64
    /// A block of the key for each of the two digests.
    private let inner: [UInt8]
    private let outer: [UInt8]
    private let contexts = ContextPool { Context() }

    init(key: [UInt8]) {
        let short = key.count > Self.blockBytes ? SHA256.hash(key) : key
        let block = short + [UInt8](repeating: 0, count: Self.blockBytes - short.count)
        inner = block.map { $0 ^ 0x36 }
        outer = block.map { $0 ^ 0x5C }
    }

    /// Lends the 32 bytes of the hash of `message`; nil when OpenSSL fails.
    func withHash<Value>(of message: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Value) -> Value? {
        OpenSSLErrorStack.isolated {
            contexts.withContexts { context in
                unsafe inner.withUnsafeBytes { inner in
                    unsafe Self.digest.withHash(message, behind: inner, in: context.pointer) { hash in
                        unsafe outer.withUnsafeBytes { outer in
                            unsafe Self.digest.withHash(hash, behind: outer, in: context.pointer, body)
                        }
                    } ?? nil
                }
            } ?? nil
        }
    }
}
