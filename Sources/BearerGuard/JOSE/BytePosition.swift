// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension UnsafeBufferPointer<UInt8> {
    /// Where `byte` first occurs at `start` or behind it, before `end`.
    ///
    /// The C library's search looks at many bytes at a time; a token is searched several times.
    package func position(of byte: UInt8, from start: Int, to end: Int? = nil) -> Int? {
        let end = Swift.min(end ?? count, count)
        guard start >= 0, start < end, let base = baseAddress,
            let found = unsafe memchr(base + start, Int32(byte), end - start)
        else { return nil }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }

    /// Whether these are the bytes that `other` has at those places.
    package func isSame(as other: [UInt8], at places: Range<Int>) -> Bool {
        guard count == places.count, places.upperBound <= other.count else { return false }
        return unsafe other.withUnsafeBytes { other in
            guard let a = baseAddress, let b = other.baseAddress else { return true }
            return unsafe memcmp(a, b + places.lowerBound, count) == 0
        }
    }
}

extension ArraySlice<UInt8> {
    /// Where `byte` first occurs at `start` or behind it.
    package func position(of byte: UInt8, from start: Int? = nil) -> Int? {
        let skipped = (start ?? startIndex) - startIndex
        let found = unsafe withUnsafeBufferPointer { unsafe $0.position(of: byte, from: skipped) }
        return found.map { startIndex + $0 }
    }

    /// Whether these are the bytes of `other`.
    package func isSame(as other: [UInt8]) -> Bool {
        unsafe withUnsafeBufferPointer { unsafe $0.isSame(as: other, at: 0..<other.count) }
    }
}
