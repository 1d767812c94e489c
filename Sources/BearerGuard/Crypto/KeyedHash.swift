// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// HMAC-SHA256 with one key (RFC 2104), by two digests: OpenSSL's own makes contexts anew for each message, which takes
/// longer than to hash a token.
final class KeyedHash: Sendable {
    /// What a thread hashes with; blocks of the key of its own, so that threads meet at no reference count.
    private final class Context: Sendable {
        let digest: DigestContext
        let inner: [UInt8]
        let outer: [UInt8]

        init?(_ block: [UInt8]) {
            guard let digest = DigestContext() else { return nil }
            self.digest = digest
            inner = block.map { $0 ^ 0x36 }
            outer = block.map { $0 ^ 0x5C }
        }
    }

    /// Bytes that SHA-256 takes in at once.
    private static let blockBytes = 64
    private let contexts: ContextPool<Context>

    init(key: [UInt8]) {
        let short = key.count > Self.blockBytes ? SHA256.hash(key) : key
        let block = short + [UInt8](repeating: 0, count: Self.blockBytes - short.count)
        // Where no hash was made of the key, none is made with it: without one, anyone could make the same.
        contexts = ContextPool { short.isEmpty ? nil : Context(block) }
    }

    /// The first half of the hash of `message`, as two numbers of which the first byte is highest; nil when OpenSSL fails.
    func firstHalf(of message: UnsafeRawBufferPointer) -> (UInt64, UInt64)? {
        OpenSSLErrorStack.isolated {
            contexts.withContexts { context in
                let inner = unsafe context.inner.withUnsafeBytes {
                    unsafe context.digest.hash(message, behind: $0, by: .sha256)
                }
                guard let inner = unsafe inner else { return nil }
                let hash = unsafe context.outer.withUnsafeBytes {
                    unsafe context.digest.hash(inner, behind: $0, by: .sha256)
                }
                guard let hash = unsafe hash else { return nil }
                return unsafe (
                    UInt64(bigEndian: hash.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: hash.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            } ?? nil
        }
    }
}
