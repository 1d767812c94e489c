// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// Prepared contexts of one key and algorithm, each lent to one thread at a time.
///
/// Making one costs as much as reading a token's claims, so up to four are kept; threads start looking at different
/// ones, and one that finds its own lent makes another for the moment.
final class ContextPool<Contexts: AnyObject & Sendable>: Sendable {
    /// What stands in a slot: nothing yet, contexts that are out, or the address of some that are in.
    private static var empty: UInt { 0 }
    private static var lent: UInt { 1 }

    private let make: @Sendable () -> Contexts?
    private let first = Atomic<UInt>(0)
    private let second = Atomic<UInt>(0)
    private let third = Atomic<UInt>(0)
    private let fourth = Atomic<UInt>(0)

    /// - Parameter make: makes contexts; nil when OpenSSL makes none.
    init(_ make: @escaping @Sendable () -> Contexts?) { self.make = make }

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
    /// What `body` does must leave them ready for the next one.
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
        guard let contexts = Self.owned(found) ?? make() else {
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
