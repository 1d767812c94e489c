// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Darwin)
import Darwin
#else
import COpenSSL
#endif

/// Where a thread looks first among things of which there are several, so that threads seldom meet.
enum ThreadPlace {
    /// How many places there are.
    static var count: Int { 8 }

    /// A number below ``count``: of the core that the thread runs on, as no two threads run on one at a time.
    static var current: Int {
        #if canImport(Darwin)
        // Addresses of threads are far apart and end in zeros: the product's highest bits depend on all of them.
        let thread = unsafe UInt64(UInt(bitPattern: pthread_self()))
        return Int(truncatingIfNeeded: (thread &* 0x9E37_79B9_7F4A_7C15) >> 32) & (count - 1)
        #else
        return Int(sched_getcpu()) & (count - 1)
        #endif
    }
}

/// As many bytes as threads' caches hold together, a line and the one that is fetched with it, so that two of them do not
/// take something off each other by writing what stands beside it.
struct CacheLine: Sendable {
    private typealias Half = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    private let first: Half = (0, 0, 0, 0, 0, 0, 0, 0)
    private let second: Half = (0, 0, 0, 0, 0, 0, 0, 0)
}
