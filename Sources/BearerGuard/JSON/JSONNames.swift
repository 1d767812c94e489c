// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The member names of the objects that are being read, to find one that occurs twice in one object (RFC 7519 §4), in time
/// that grows with the number of names alone.
struct JSONNames: ~Copyable {
    /// Where a name stands in the text, without its quotes.
    private struct Name: BitwiseCopyable {
        private let start: UInt16
        private let end: UInt16
        let digest: UInt32

        init(_ place: Range<Int>, digest: UInt32) {
            start = UInt16(truncatingIfNeeded: place.lowerBound)
            end = UInt16(truncatingIfNeeded: place.upperBound)
            self.digest = digest
        }

        var place: Range<Int> { Int(start)..<Int(end) }
    }

    /// The names of one object, which stand above those of the objects around it.
    struct Scope: ~Copyable {
        fileprivate let first: Int
        /// Where names are by their digests, counted from 1, once there are many; 0 for a free place.
        fileprivate var table = ScratchStack<UInt16>()
    }

    /// Up to here comparing with each is quicker than looking up.
    private static let few = 16
    /// Whoever writes a token must not know which names have one digest.
    private static let processSeed = UInt64.random(in: .min ... .max)

    private let seed = processSeed
    private var names: ScratchStack<Name>

    /// Bytes for so many names.
    static func bytes(_ count: Int) -> Int { count * MemoryLayout<Name>.stride }

    /// - Parameter memory: where the first names are kept.
    init(lent memory: UnsafeMutableRawBufferPointer) { unsafe names = ScratchStack(lent: memory) }

    /// An object begins.
    @inline(__always)
    func open() -> Scope { Scope(first: names.count) }

    /// An object ends; those within it have ended before.
    @inline(__always)
    mutating func close(_ scope: borrowing Scope) { names.shorten(to: scope.first) }

    /// Notes a name; false where the object has it already.
    @inline(__always)
    mutating func insert(
        _ place: Range<Int>,
        digest: UInt32,
        _ scope: inout Scope,
        in text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let name = Name(place, digest: digest)
        let count = names.count &- scope.first
        if count < Self.few {
            for index in scope.first..<names.count where names[index].digest == name.digest {
                if unsafe Self.isSame(names[index], name, in: text) { return false }
            }
        } else if unsafe !insert(name, at: count, &scope, in: text) {
            return false
        }
        names.append(name)
        return true
    }

    /// Enters the name number `count` of an object of many.
    private func insert(
        _ name: Name,
        at count: Int,
        _ scope: inout Scope,
        in text: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        // At least half of the places are free: the walk ends.
        if scope.table.count < 2 &* (count &+ 1) { rehash(&scope) }
        let mask = scope.table.count &- 1
        var slot = Int(truncatingIfNeeded: name.digest) & mask
        while scope.table[slot] != 0 {
            let known = names[scope.first &+ Int(scope.table[slot]) &- 1]
            if known.digest == name.digest, unsafe Self.isSame(known, name, in: text) { return false }
            slot = (slot &+ 1) & mask
        }
        scope.table[slot] = UInt16(truncatingIfNeeded: count &+ 1)
        return true
    }

    private func rehash(_ scope: inout Scope) {
        scope.table.refill(0, count: max(256, scope.table.count &* 16))
        let mask = scope.table.count &- 1
        for index in scope.first..<names.count {
            var slot = Int(truncatingIfNeeded: names[index].digest) & mask
            while scope.table[slot] != 0 { slot = (slot &+ 1) & mask }
            scope.table[slot] = UInt16(truncatingIfNeeded: index &- scope.first &+ 1)
        }
    }

    /// Whether two names of one digest are one name, which they are but for the rarest chance.
    private static func isSame(_ left: Name, _ right: Name, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        var a = ScratchStack<UInt8>()
        var b = ScratchStack<UInt8>()
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[left.place]), into: &a)
        unsafe JSONText.decode(UnsafeBufferPointer(rebasing: text[right.place]), into: &b)
        return unsafe a.withElements { a in unsafe b.withElements { b in unsafe JSONMembers.isEqual(a, b) } }
    }

    /// A number that names seldom share, of those bytes of a text.
    ///
    /// - Parameter word: the first eight of them.
    @inline(__always)
    func digest(_ text: UnsafeBufferPointer<UInt8>, _ name: Range<Int>, word: UInt64) -> UInt32 {
        var digest = seed ^ UInt64(truncatingIfNeeded: name.count)
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
