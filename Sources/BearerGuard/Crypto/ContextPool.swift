// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL
import Synchronization

/// Prepared contexts of one key and algorithm, each lent to one thread at a time.
///
/// Making one costs as much as reading a token's claims, so up to four are kept; threads start looking at different
/// ones, and one that finds its own lent makes another for the moment.
final class ContextPool: Sendable {
    /// What one verification works on: the key's `EVP_PKEY_CTX`, and an `EVP_MD_CTX` for the digest.
    ///
    /// `@unchecked Sendable` is sound because the pool lends it to one thread at a time.
    @safe
    final class Contexts: @unchecked Sendable {
        let key: OpaquePointer
        let digest: OpaquePointer

        fileprivate init?(_ template: OpenSSLHandle) {
            guard let key = unsafe EVP_PKEY_CTX_dup(template.pointer) else { return nil }
            guard let digest = unsafe EVP_MD_CTX_new() else {
                unsafe EVP_PKEY_CTX_free(key)
                return nil
            }
            unsafe self.key = key
            unsafe self.digest = digest
        }

        deinit {
            unsafe EVP_PKEY_CTX_free(key)
            unsafe EVP_MD_CTX_free(digest)
        }
    }

    /// What stands in a slot: nothing yet, contexts that are out, or the address of some that are in.
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
        ] {
            _ = Self.owned(slot)
        }
    }

    /// Lends contexts to `body`; nil when OpenSSL makes none.
    ///
    /// What `body` does must leave the key's context as prepared: `EVP_PKEY_verify` does, whether it succeeds or fails.
    func withContexts<Value>(_ body: (Contexts) -> Value) -> Value? {
        switch ThreadPlace.current {
        case 0: withContexts(in: first, body)
        case 1: withContexts(in: second, body)
        case 2: withContexts(in: third, body)
        default: withContexts(in: fourth, body)
        }
    }

    private func withContexts<Value>(in slot: borrowing Atomic<UInt>, _ body: (Contexts) -> Value) -> Value? {
        let found = slot.exchange(Self.lent, ordering: .acquiring)
        guard let contexts = Self.owned(found) ?? Contexts(template) else {
            if found == Self.empty { slot.store(Self.empty, ordering: .releasing) }
            return nil
        }
        let value = body(contexts)
        if found != Self.lent {
            // The slot owns them again: its reference is what `owned` took, or the one made just now.
            let kept = unsafe Unmanaged.passRetained(contexts)
            unsafe slot.store(UInt(bitPattern: kept.toOpaque()), ordering: .releasing)
        }
        return value
    }

    /// Takes over the reference that a slot held; nil for a slot that held none.
    private static func owned(_ slot: UInt) -> Contexts? {
        guard slot > lent, let pointer = unsafe UnsafeRawPointer(bitPattern: slot) else { return nil }
        return unsafe Unmanaged<Contexts>.fromOpaque(pointer).takeRetainedValue()
    }
}
