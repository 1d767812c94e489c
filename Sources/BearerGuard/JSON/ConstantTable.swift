// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A table for the life of the process, which threads read without counting references: an array would be retained by
/// each of them at every token, and they would wait for each other there.
///
/// `@unchecked Sendable` and `@safe` are sound because its memory is written before it is shared, and never again, nor
/// freed. An index must be below the number of elements: it is masked, or a byte of outside data and a place.
@safe struct ConstantTable<Element: BitwiseCopyable>: @unchecked Sendable {
    private let base: UnsafePointer<Element>

    init(_ elements: [Element]) {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(1, elements.count))
        _ = unsafe memory.initialize(fromContentsOf: elements)
        unsafe base = UnsafePointer(memory.baseAddress.unsafelyUnwrapped)
    }

    subscript(index: Int) -> Element {
        @inline(__always) get { unsafe base[index] }
    }
}
