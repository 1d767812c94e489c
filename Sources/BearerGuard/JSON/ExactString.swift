// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A text that equals another only if their code points are the same.
///
/// `String` finds canonically equivalent texts equal (`é` and `e` + accent, the Kelvin sign and `K`);
/// issuers, audiences, scopes and key identifiers must not (RFC 7519 §7.3).
package struct ExactString: Hashable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func == (left: ExactString, right: ExactString) -> Bool {
        left.text.isExactly(right.text)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

extension String {
    /// The same text in memory of its own: threads that compare it meet at no reference count.
    package var copy: String { String(decoding: Array(utf8), as: UTF8.self) }

    /// Whether both texts are the same code points.
    @_optimize(speed)
    package func isExactly(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        // Native texts lend their bytes without being copied or retained.
        let answer =
            unsafe utf8.withContiguousStorageIfAvailable { left in
                unsafe other.utf8.withContiguousStorageIfAvailable { right in
                    guard let a = left.baseAddress, let b = right.baseAddress else { return true }
                    return unsafe memcmp(a, b, left.count) == 0
                } ?? nil
            } ?? nil
        return answer ?? utf8.elementsEqual(other.utf8)
    }

    /// Lends the bytes of the text, which are copied only where they do not lie together.
    func withBytes<Value>(_ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        if #available(macOS 26, *) { return unsafe utf8.span.withUnsafeBufferPointer { unsafe body($0) } }
        if let value = unsafe utf8.withContiguousStorageIfAvailable({ unsafe body($0) }) { return value }
        return unsafe Array(utf8).withUnsafeBufferPointer { unsafe body($0) }
    }
}

extension [String] {
    /// Whether one of the texts has the code points of `text`.
    @_optimize(speed)
    package func containsExactly(_ text: String) -> Bool {
        let texts = span
        // Looked at where they lie: a loop over the array may retain each.
        for index in texts.indices where texts[index].isExactly(text) { return true }
        return false
    }
}
