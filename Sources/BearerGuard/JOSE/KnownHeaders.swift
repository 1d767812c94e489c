// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// Headers of tokens that were verified: nearly all tokens of an issuer have the same one, which need not be read again.
///
/// A header says the same whoever sends it, so nothing but the work is saved. Strangers put nothing in.
package final class KnownHeaders: Sendable {
    private struct Known {
        let segment: [UInt8]
        let header: JOSEHeader
    }

    /// A few headers, the newest first; threads meet in few of them.
    private final class Slot: Sendable {
        let known = Mutex<[Known]>([])
        private let distance = CacheLine()
    }

    /// As many as four bits tell apart.
    private static let slotsOfThread = 16
    private static let headersOfSlot = 4
    private let slots = (0..<(ThreadPlace.count * slotsOfThread)).map { _ in Slot() }

    package init() {}

    /// The header with exactly these characters.
    package func find(_ segment: ArraySlice<UInt8>) -> JOSEHeader? {
        slot(segment).known.withLock { known in
            let known = known.span
            for index in known.indices where segment.isSame(as: known[index].segment) { return known[index].header }
            return nil
        }
    }

    /// Keeps the header of a token that was verified.
    package func note(_ segment: ArraySlice<UInt8>, _ header: JOSEHeader) {
        slot(segment).known.withLock { known in
            if known.contains(where: { segment.isSame(as: $0.segment) }) { return }
            if known.count == Self.headersOfSlot { known.removeLast() }
            known.insert(Known(segment: Array(segment), header: header), at: 0)
        }
    }

    private func slot(_ segment: ArraySlice<UInt8>) -> Slot {
        // All of it: headers of one issuer differ in the middle of a key's name, or at its end.
        let mixed = unsafe segment.withUnsafeBytes { bytes in
            var mixed = UInt64(truncatingIfNeeded: bytes.count)
            func mix(_ word: UInt64) { mixed = (mixed ^ word).mixed }
            var at = 0
            while at &+ 8 <= bytes.count {
                unsafe mix(bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                at &+= 8
            }
            while at < bytes.count {
                unsafe mix(UInt64(bytes[at]))
                at &+= 1
            }
            return mixed
        }
        return slots[
            ThreadPlace.current * Self.slotsOfThread + Int(truncatingIfNeeded: mixed >> 60)
        ]
    }
}
