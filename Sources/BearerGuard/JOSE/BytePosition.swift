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
    /// Where `byte` first occurs.
    ///
    /// The C library's search looks at many bytes at a time; a token is searched several times.
    package func position(of byte: UInt8) -> Int? {
        unsafe withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, let found = unsafe memchr(start, Int32(byte), buffer.count) else {
                return nil
            }
            return unsafe startIndex + (UnsafeRawPointer(found) - start)
        }
    }
}
