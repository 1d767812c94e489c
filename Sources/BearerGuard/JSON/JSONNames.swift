// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The names of the objects that are open while a text is read, the innermost last: to find one that occurs twice.
struct JSONNames {
    private struct Name {
        let digest: UInt64
        let start: UInt16
        let end: UInt16
        let hasEscapes: Bool

        var place: Range<Int> { Int(start)..<Int(end) }
    }

    /// One of the open objects.
    struct Object {
        fileprivate let first: Int
        /// Where names are by their digests, counted from 1, once there are many; 0 for a free place.
        fileprivate var table: [UInt16] = []
    }

    /// Up to here comparing with each is quicker than looking up.
    private static let few = 16
    /// Whoever writes a token must not know which names meet in one place of the table.
    private static let seed = UInt64.random(in: .min ... .max)

    private var names: [Name] = []
    private var scratch: [UInt8] = []
    private let seed = Self.seed

    mutating func open() -> Object { Object(first: names.count) }

    mutating func close(_ object: Object) {
        names.removeLast(names.count &- object.first)
    }

    /// Adds a name to the innermost object; false where it has it.
    mutating func insert(
        _ place: Range<Int>,
        hasEscapes: Bool,
        in text: UnsafeBufferPointer<UInt8>,
        _ object: inout Object
    ) -> Bool {
        let seed = seed
        let digest =
            hasEscapes
            ? unsafe withDecoded(place, in: text) { unsafe Self.digest($0, seed) }
            : unsafe Self.digest(UnsafeBufferPointer(rebasing: text[place]), seed)
        let name = Name(
            digest: digest,
            start: UInt16(truncatingIfNeeded: place.lowerBound),
            end: UInt16(truncatingIfNeeded: place.upperBound),
            hasEscapes: hasEscapes
        )
        let count = names.count &- object.first
        if count < Self.few {
            for known in names[object.first...]
            where unsafe known.digest == digest && isSame(known, name, in: text) { return false }
        } else {
            if object.table.count < 2 &* (count &+ 1) { rehash(&object, count) }
            guard unsafe takeSlot(name, count, in: text, &object) else { return false }
        }
        names.append(name)
        return true
    }

    /// Lends what a name with escapes reads as.
    mutating func withDecoded<Value>(
        _ place: Range<Int>,
        in text: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Value
    ) -> Value {
        scratch.removeAll(keepingCapacity: true)
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[place]), into: &scratch)
        return unsafe scratch.withUnsafeBufferPointer { unsafe body($0) }
    }

    private func takeSlot(
        _ name: Name,
        _ count: Int,
        in text: UnsafeBufferPointer<UInt8>,
        _ object: inout Object
    ) -> Bool {
        let mask = object.table.count &- 1
        var slot = Int(truncatingIfNeeded: name.digest) & mask
        while object.table[slot] != 0 {
            let known = names[object.first &+ Int(object.table[slot]) &- 1]
            if unsafe known.digest == name.digest && isSame(known, name, in: text) { return false }
            slot = (slot &+ 1) & mask
        }
        object.table[slot] = UInt16(truncatingIfNeeded: count &+ 1)
        return true
    }

    private func rehash(_ object: inout Object, _ count: Int) {
        object.table = [UInt16](repeating: 0, count: max(64, object.table.count &* 4))
        let mask = object.table.count &- 1
        for index in 0..<count {
            var slot = Int(truncatingIfNeeded: names[object.first &+ index].digest) & mask
            while object.table[slot] != 0 { slot = (slot &+ 1) & mask }
            object.table[slot] = UInt16(truncatingIfNeeded: index &+ 1)
        }
    }

    /// Whether two names of one digest are one name, which they are but for the rarest chance.
    private func isSame(_ left: Name, _ right: Name, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        if !left.hasEscapes, !right.hasEscapes {
            return unsafe text[left.place].elementsEqual(text[right.place])
        }
        var (a, b): ([UInt8], [UInt8]) = ([], [])
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[left.place]), into: &a)
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[right.place]), into: &b)
        return a == b
    }

    private static func digest(_ name: UnsafeBufferPointer<UInt8>, _ seed: UInt64) -> UInt64 {
        var digest = seed ^ UInt64(name.count)
        var start = 0
        repeat {
            let word = unsafe TokenMemberTable.word(UnsafeBufferPointer(rebasing: name[start...]))
            let (high, low) = (digest ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            digest = (high ^ low) &+ seed
            start &+= 8
        } while start < name.count
        return digest
    }
}
