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

    deinit { for slot in slots { unsafe Self.contexts(slot.address.load(ordering: .acquiring))?.release() } }

    /// Lends contexts to `body`; nil when OpenSSL makes none.
    ///
    /// What `body` does must leave them ready for the next one.
    func withContexts<Value>(_ body: (Contexts) -> Value) -> Value? { Self.withContexts(of: slots, make, body) }

    private static func withContexts<Value>(
        of slots: [ContextSlot],
        _ make: () -> Contexts?,
        _ body: (Contexts) -> Value
    ) -> Value? {
        // By their span, so that no references are counted.
        let slots = slots.span
        let place = ThreadPlace.current
        for offset in 0..<3 {
            let index = (place &+ offset) & (ThreadPlace.count - 1)
            var found = slots[index].address.exchange(lent, ordering: .acquiring)
            if found == lent { continue }
            if found == empty {
                guard let made = make() else {
                    slots[index].address.store(empty, ordering: .releasing)
                    return nil
                }
                found = unsafe UInt(bitPattern: Unmanaged.passRetained(made).toOpaque())
            }
            // The slot's reference stands in `found` meanwhile: nobody else sees it, and the pool outlives the call.
            defer { slots[index].address.store(found, ordering: .releasing) }
            return unsafe contexts(found)?._withUnsafeGuaranteedRef(body)
        }
        return make().map(body)
    }

    /// What a slot holds, and owns.
    private static func contexts(_ slot: UInt) -> Unmanaged<Contexts>? {
        guard slot > lent, let pointer = unsafe UnsafeRawPointer(bitPattern: slot) else { return nil }
        return unsafe Unmanaged<Contexts>.fromOpaque(pointer)
    }
}

/// One place of a pool, away from the next one.
private final class ContextSlot: Sendable {
    let address = Atomic<UInt>(0)
    private let distance = CacheLine()
}
