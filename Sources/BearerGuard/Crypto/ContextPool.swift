// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Prepared `EVP_PKEY_CTX` of one key and algorithm, each lent to one thread at a time.
///
/// Making one costs as much as reading a token's claims, so up to four are kept; threads start looking at different
/// ones, and a fifth thread at the same moment makes its own.
@safe
final class ContextPool: Sendable {
    /// What stands in a slot: nothing yet, a context that is out, or the address of one that is in.
    private static let empty: UInt = 0
    private static let lent: UInt = 1

    private let template: OpenSSLHandle
    private let first = Atomic<UInt>(empty)
    private let second = Atomic<UInt>(empty)
    private let third = Atomic<UInt>(empty)
    private let fourth = Atomic<UInt>(empty)

    init(_ template: OpenSSLHandle) { self.template = template }

    deinit {
        for slot in [
            first.load(ordering: .acquiring), second.load(ordering: .acquiring), third.load(ordering: .acquiring),
            fourth.load(ordering: .acquiring),
        ] where slot > Self.lent {
            unsafe EVP_PKEY_CTX_free(OpaquePointer(bitPattern: slot))
        }
    }

    /// Lends a context to `body`; nil when OpenSSL makes none.
    ///
    /// What `body` does must leave the context as prepared: `EVP_PKEY_verify` does, whether it succeeds or fails.
    func withContext<Value>(_ body: (OpaquePointer) -> Value) -> Value? {
        switch Self.place {
        case 0: unsafe withContext(in: first, body)
        case 1: unsafe withContext(in: second, body)
        case 2: unsafe withContext(in: third, body)
        default: unsafe withContext(in: fourth, body)
        }
    }

    private func withContext<Value>(in slot: borrowing Atomic<UInt>, _ body: (OpaquePointer) -> Value) -> Value? {
        let found = slot.exchange(Self.lent, ordering: .acquiring)
        let isOwner = found != Self.lent
        let kept = unsafe found > Self.lent ? OpaquePointer(bitPattern: found) : nil
        guard let context = unsafe kept ?? EVP_PKEY_CTX_dup(template.pointer) else {
            if isOwner { slot.store(Self.empty, ordering: .releasing) }
            return nil
        }
        defer {
            if isOwner {
                slot.store(UInt(bitPattern: context), ordering: .releasing)
            } else {
                unsafe EVP_PKEY_CTX_free(context)
            }
        }
        return unsafe body(context)
    }

    /// A number from 0 to 3 that stays with a thread.
    private static var place: UInt64 {
        #if canImport(Darwin)
        let thread = unsafe UInt64(UInt(bitPattern: pthread_self()))
        #else
        let thread = UInt64(pthread_self())
        #endif
        return thread &* 0x9E37_79B9_7F4A_7C15 >> 62
    }
}
