// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where a thread looks first among things of which there are several, so that threads seldom meet.
enum ThreadPlace {
    /// A number from 0 to 3 that stays with the thread.
    static var current: Int {
        #if canImport(Darwin)
        let thread = unsafe UInt64(UInt(bitPattern: pthread_self()))
        #else
        let thread = UInt64(pthread_self())
        #endif
        // Addresses of threads are far apart and end in zeros: the product's highest bits depend on all of them.
        return Int(truncatingIfNeeded: (thread &* 0x9E37_79B9_7F4A_7C15) >> 62)
    }
}
