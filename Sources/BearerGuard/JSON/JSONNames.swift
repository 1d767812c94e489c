// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Finds a member name that occurs twice in one object (RFC 7519 §4), in time that grows with the number of names alone.
struct JSONNames {
    /// Up to here comparing with each is quicker than looking up.
    private static let few = 16
    /// Whoever writes a token must not know which names have one digest.
    static let seed = UInt64.random(in: .min ... .max)

    /// Where the members of the object begin on the stack of entries.
    let first: Int
    /// Where members are by the digests of their names, counted from 1, once there are many; 0 for a free place.
    private var table: [UInt16] = []

    init(first: Int) { self.first = first }

    /// Whether none of the object's members, which are the last entries, has the name of `entry`.
    mutating func isNew(
        _ entry: JSONMembers.Entry,
        among entries: [JSONMembers.Entry],
        in text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let count = entries.count &- first
        if count < Self.few {
            for index in first..<entries.count where entries[index].digest == entry.digest {
                if unsafe Self.isSame(entries[index], entry, in: text) { return false }
            }
            return true
        }
        if table.count < 2 &* (count &+ 1) { rehash(entries) }
        let mask = table.count &- 1
        var slot = Int(truncatingIfNeeded: entry.digest) & mask
        while table[slot] != 0 {
            let known = entries[first &+ Int(table[slot]) &- 1]
            if known.digest == entry.digest, unsafe Self.isSame(known, entry, in: text) { return false }
            slot = (slot &+ 1) & mask
        }
        table[slot] = UInt16(truncatingIfNeeded: count &+ 1)
        return true
    }

    private mutating func rehash(_ entries: [JSONMembers.Entry]) {
        table = [UInt16](repeating: 0, count: max(64, table.count &* 4))
        let mask = table.count &- 1
        for index in first..<entries.count {
            var slot = Int(truncatingIfNeeded: entries[index].digest) & mask
            while table[slot] != 0 { slot = (slot &+ 1) & mask }
            table[slot] = UInt16(truncatingIfNeeded: index &- first &+ 1)
        }
    }

    /// Whether two names of one digest are one name, which they are but for the rarest chance.
    private static func isSame(
        _ left: JSONMembers.Entry,
        _ right: JSONMembers.Entry,
        in text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        var (a, b): ([UInt8], [UInt8]) = ([], [])
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[left.name]), into: &a)
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[right.name]), into: &b)
        return a == b
    }

    /// A number that names seldom share, of those bytes of a text.
    @inline(__always)
    static func digest(_ text: UnsafeBufferPointer<UInt8>, _ name: Range<Int>, word: UInt64, seed: UInt64) -> UInt32 {
        var digest = seed ^ UInt64(name.count)
        var word = word
        var start = name.lowerBound
        while true {
            let (high, low) = (digest ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            digest = (high ^ low) &+ seed
            start &+= 8
            guard start < name.upperBound else { return UInt32(truncatingIfNeeded: digest ^ digest >> 32) }
            word = unsafe TokenMemberTable.word(text, from: start, count: name.upperBound &- start)
        }
    }
}
