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

    /// One header; threads meet in few of them, and a new one takes the place of the one before.
    private final class Slot: Sendable {
        let known = Mutex<Known?>(nil)
    }

    private static let headers = 16
    private let slots = (0..<(4 * headers)).map { _ in Slot() }

    package init() {}

    /// The header with exactly these characters.
    func find(_ segment: ArraySlice<UInt8>) -> JOSEHeader? {
        slot(segment).known.withLock { known in
            guard let known, known.segment.count == segment.count, segment.isSame(as: known.segment) else { return nil }
            return known.header
        }
    }

    /// Keeps the header of a token that was verified.
    package func note(_ segment: ArraySlice<UInt8>, _ header: JOSEHeader) {
        slot(segment).known.withLock { known in
            if let known, segment.isSame(as: known.segment) { return }
            known = Known(segment: Array(segment), header: header)
        }
    }

    private func slot(_ segment: ArraySlice<UInt8>) -> Slot {
        // Headers of one issuer differ at their ends, if at all.
        var mixed = UInt64(truncatingIfNeeded: segment.count)
        for index in segment.indices.suffix(12) { mixed = (mixed ^ UInt64(segment[index])) &* 0x9E37_79B9_7F4A_7C15 }
        return slots[ThreadPlace.current * Self.headers + Int(truncatingIfNeeded: mixed >> 56) % Self.headers]
    }
}
