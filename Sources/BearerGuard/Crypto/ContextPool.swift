// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// Prepared contexts of one key and algorithm, each lent to one thread at a time.
///
/// Making one costs as much as reading a token's claims, so one is kept for each core, up to a few; a thread that finds
/// those of its core lent, as one does that was moved there, looks at two more places and then makes some for the moment.
final class ContextPool<Contexts: AnyObject & Sendable>: Sendable {
    /// What stands in a slot: nothing yet, contexts that are out, or the address of some that are in.
    private static var empty: UInt { 0 }
    private static var lent: UInt { 1 }

    private let make: @Sendable () -> Contexts?
    private let slots = (0..<ThreadPlace.count).map { _ in ContextSlot() }

    /// - Parameter make: makes contexts; nil when OpenSSL makes none.
    init(_ make: @escaping @Sendable () -> Contexts?) { self.make = make }

    deinit { for slot in slots { _ = Self.owned(slot.address.load(ordering: .acquiring)) } }

    /// Lends contexts to `body`; nil when OpenSSL makes none.
    ///
    /// What `body` does must leave them ready for the next one.
    func withContexts<Value>(_ body: (Contexts) -> Value) -> Value? {
        let place = ThreadPlace.current
        for offset in 0..<3 {
            let slot = slots[(place &+ offset) & (ThreadPlace.count - 1)]
            let found = slot.address.exchange(Self.lent, ordering: .acquiring)
            if found == Self.lent { continue }
            guard let contexts = Self.owned(found) ?? make() else {
                slot.address.store(Self.empty, ordering: .releasing)
                return nil
            }
            let value = body(contexts)
            // The slot owns them again: its reference is what `owned` took, or the one made just now.
            let kept = unsafe Unmanaged.passRetained(contexts)
            unsafe slot.address.store(UInt(bitPattern: kept.toOpaque()), ordering: .releasing)
            return value
        }
        return make().map(body)
    }

    /// Takes over the reference that a slot held; nil for a slot that held none.
    private static func owned(_ slot: UInt) -> Contexts? {
        guard slot > lent, let pointer = unsafe UnsafeRawPointer(bitPattern: slot) else { return nil }
        return unsafe Unmanaged<Contexts>.fromOpaque(pointer).takeRetainedValue()
    }
}

/// One place of a pool, away from the next one.
private final class ContextSlot: Sendable {
    let address = Atomic<UInt>(0)
    private let distance = CacheLine()
}
