// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension ArraySlice<UInt8> {
    /// Where `byte` first occurs at `start` or behind it.
    ///
    /// The C library's search looks at many bytes at a time; a token is searched several times.
    package func position(of byte: UInt8, from start: Int? = nil) -> Int? {
        let skipped = (start ?? startIndex) - startIndex
        return unsafe withUnsafeBytes { buffer in
            guard skipped < buffer.count, let base = buffer.baseAddress,
                let found = unsafe memchr(base + skipped, Int32(byte), buffer.count - skipped)
            else { return nil }
            return unsafe startIndex + (UnsafeRawPointer(found) - base)
        }
    }

    /// Whether these are the bytes of `other`.
    package func isSame(as other: [UInt8]) -> Bool { isSame(as: other, at: 0..<other.count) }

    /// Whether these are the bytes that `other` has at those places.
    package func isSame(as other: [UInt8], at places: Range<Int>) -> Bool {
        guard count == places.count, places.upperBound <= other.count else { return false }
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let a = left.baseAddress, let b = right.baseAddress else { return true }
                return unsafe memcmp(a, b + places.lowerBound, left.count) == 0
            }
        }
    }
}
