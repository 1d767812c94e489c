// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Plain values put on a stack while a text is read, in memory that nobody else sees: without what an array asks at every
/// step because it could be shared.
///
/// `@safe` is sound because its memory is its own, or lent to it alone for as long as it lives, and `count` never passes
/// what was written. An index must be below `count`: it is the number of a member, never what outside data says.
@safe
struct ScratchStack<Element: BitwiseCopyable>: ~Copyable {
    /// Nil until there is room.
    private var base: UnsafeMutablePointer<Element>?
    private var capacity = 0
    private var ownsMemory = false
    private(set) var count = 0

    init() { unsafe base = nil }

    /// Begins in memory that is lent, and leaves it when it is full.
    init(lent memory: UnsafeMutableRawBufferPointer) {
        let memory = unsafe memory.bindMemory(to: Element.self)
        unsafe base = memory.baseAddress
        capacity = memory.count
    }

    deinit { if ownsMemory { unsafe base?.deallocate() } }

    subscript(index: Int) -> Element {
        @inline(__always) get { unsafe base.unsafelyUnwrapped[index] }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count == capacity { grow() }
        unsafe base.unsafelyUnwrapped[count] = element
        count &+= 1
    }

    /// Has nothing but what `body` writes into room for so many, and tells the number of.
    @inline(__always)
    mutating func rewrite(room: Int, _ body: (UnsafeMutablePointer<Element>) -> Int) {
        if capacity < room { replace(keeping: 0, capacity: max(64, room)) }
        guard let base = unsafe base else { return }
        unsafe count = body(base)
    }

    /// Takes off what stands above the first so many.
    @inline(__always)
    mutating func shorten(to newCount: Int) { count = min(count, newCount) }

    /// Lends what is there.
    func withElements<Value>(_ body: (UnsafeBufferPointer<Element>) -> Value) -> Value {
        unsafe body(UnsafeBufferPointer(start: base, count: count))
    }

    /// Fourfold: what grows again and again was written to do harm, and is copied less often this way.
    private mutating func grow() { replace(keeping: count, capacity: max(16, capacity &* 4)) }

    private mutating func replace(keeping kept: Int, capacity wider: Int) {
        let moved = UnsafeMutablePointer<Element>.allocate(capacity: wider)
        if let base = unsafe base {
            unsafe moved.initialize(from: base, count: kept)
            if ownsMemory { unsafe base.deallocate() }
        }
        unsafe base = moved
        capacity = wider
        ownsMemory = true
    }
}
