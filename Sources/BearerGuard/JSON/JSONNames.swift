// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The members of the objects that are being read, those of the innermost on top, to find a name that occurs twice in one
/// object (RFC 7519 §4), in time that grows with the number of names alone.
struct JSONNames: ~Copyable {
    /// What a name is: the number of a member of the outermost object that is looked for, or a digest, which names seldom
    /// share.
    struct Name: BitwiseCopyable {
        private let bits: UInt32
        private static let top: UInt32 = 1 << 31

        init(_ member: TokenMember) { bits = UInt32(truncatingIfNeeded: member.rawValue) }

        init(digest: UInt64) { bits = UInt32(truncatingIfNeeded: digest ^ digest >> 32) | Self.top }

        var isMember: Bool { bits < Self.top }
        /// The number of the member; of any other name the digest.
        var number: Int { Int(bits) }

        static func == (left: Name, right: Name) -> Bool { left.bits == right.bits }
    }

    /// The names that were met, by one of 64 bits each.
    private struct Met {
        private var bits: UInt64 = 0

        /// Notes a name; true where another one may be the same.
        @inline(__always)
        mutating func note(_ name: Name) -> Bool {
            let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: name.number)
            defer { bits |= bit }
            return bits & bit != 0
        }
    }

    private struct Noted: BitwiseCopyable {
        let entry: JSONMembers.Entry
        let name: Name
    }

    /// Up to here, beside those of ``TokenMember``, comparing with each is quicker than looking up.
    private static let few = 16
    /// Whoever writes a token must not know which names have one digest.
    private static let processSeed = UInt64.random(in: .min ... .max)

    private let seed = processSeed
    private let table = TokenMember.table
    private let digits = JSONText.digits
    private var noted: ScratchStack<Noted>
    /// Bit by bit, which of ``TokenMember`` were met.
    private(set) var present: UInt64 = 0
    /// The name with escapes that was met last, as it reads.
    private var decoded = ScratchStack<UInt8>()

    /// Bytes to lend: enough for most tokens, and fourfold growth from there ends at the limit of members.
    static let scratchBytes = 64 * MemoryLayout<Noted>.stride

    /// - Parameter scratch: ``scratchBytes`` of memory, aligned for any number.
    @inline(__always)
    init(lent scratch: UnsafeMutableRawBufferPointer) { unsafe noted = ScratchStack(lent: scratch) }

    /// Members noted of all objects that are being read, which the next object's begin with.
    var count: Int { noted.count }

    /// What was noted of the outermost object: a place for each ``TokenMember``, then the other members.
    var entries: [JSONMembers.Entry] {
        @_optimize(speed) get {
            [JSONMembers.Entry](capacity: TokenMember.count &+ noted.count &- present.nonzeroBitCount) { output in
                output.append(repeating: JSONMembers.Entry(), count: TokenMember.count)
                for index in 0..<noted.count {
                    let noted = noted[index]
                    if noted.name.isMember {
                        output[noted.name.number] = noted.entry
                    } else {
                        output.append(noted.entry)
                    }
                }
            }
        }
    }

    /// The member of the outermost object that was noted there.
    func entry(_ index: Int) -> JSONMembers.Entry { noted[index].entry }

    /// An object ends whose members stand from `first` on; false where it has a name twice.
    @inline(__always)
    mutating func close(_ first: Int, isOutermost: Bool, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        if mayHaveNameTwice(first), unsafe hasNameTwice(first, in: text) { return false }
        if !isOutermost { noted.shorten(to: first) }
        return true
    }

    /// A name of fewer bytes than a word has, which has no others.
    @inline(__always)
    func name(_ word: UInt64, count: Int, isOutermost: Bool) -> Name {
        if isOutermost, let member = table.member(word, count: count) { return Name(member) }
        // Their number stands where none of them can: zeros at the end of a name would make up for it otherwise.
        return Name(digest: mixed(seed ^ UInt64(truncatingIfNeeded: count) &<< 56, word))
    }

    /// A name of eight to fifteen bytes.
    @inline(__always)
    func name(_ word: UInt64, _ tail: UInt64, count: Int, isOutermost: Bool) -> Name {
        if isOutermost, let member = table.member(word, tail, count: count) { return Name(member) }
        return Name(digest: mixed(mixed(seed, word), tail ^ UInt64(truncatingIfNeeded: count) &<< 56))
    }

    /// The name of these bytes of a text, read as they are written.
    @inline(__always)
    func name(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, count: Int, isOutermost: Bool) -> Name {
        if count < 8 {
            return unsafe name(
                TokenMemberTable.word(text, from: start, count: count),
                count: count,
                isOutermost: isOutermost
            )
        }
        if count < 16 {
            let tail = unsafe TokenMemberTable.word(text, from: start &+ 8, count: count &- 8)
            return unsafe name(JSONText.word(text, start), tail, count: count, isOutermost: isOutermost)
        }
        if isOutermost, let member = unsafe table.member(text, start, count: count) { return Name(member) }
        var digest = mixed(seed, UInt64(truncatingIfNeeded: count))
        let end = start &+ count
        var at = start
        while at &+ 8 <= end {
            digest = unsafe mixed(digest, JSONText.word(text, at))
            at &+= 8
        }
        if at < end { digest = unsafe mixed(digest, TokenMemberTable.word(text, from: at, count: end &- at)) }
        return Name(digest: digest)
    }

    @inline(__always)
    private func mixed(_ digest: UInt64, _ word: UInt64) -> UInt64 {
        (digest ^ word).mixed &+ seed
    }

    /// The name with escapes that begins there, and the place of the quote behind it; nil where none of so many bytes does.
    @_optimize(speed)
    @inline(never)
    mutating func escapedName(
        _ text: UnsafeBufferPointer<UInt8>,
        _ start: Int,
        bytes: Int,
        isOutermost: Bool
    ) -> (name: Name, end: Int)? {
        // Room for all that a name may have is made for those that have more than nearly all names.
        let all = min(bytes, text.count &- start)
        var most = min(all, 240)
        while true {
            let text = unsafe UnsafeBufferPointer(rebasing: text[..<min(text.count, start &+ most &+ 1)])
            var end: Int?
            var count = 0
            unsafe decoded.rewrite(room: most &+ 16) { output in
                unsafe end = JSONText.read(text, from: start, into: output, &count, digits)
                // A word behind it, so that its own can be read whole.
                unsafe UnsafeMutableRawPointer(output).storeBytes(of: 0, toByteOffset: count, as: UInt64.self)
                return count &+ 8
            }
            if let end {
                return (unsafe decoded.withElements { unsafe name($0, 0, count: count, isOutermost: isOutermost) }, end)
            }
            if most == all { return nil }
            most = all
        }
    }

    /// Notes a member; false where the outermost object has it already.
    @inline(__always)
    mutating func append(_ name: Name, _ entry: JSONMembers.Entry) -> Bool {
        if name.isMember {
            let bit: UInt64 = 1 << UInt64(name.number)
            guard present & bit == 0 else { return false }
            present |= bit
        }
        noted.append(Noted(entry: entry, name: name))
        return true
    }

    /// Whether two names may be the same: of an object of three or four seldom.
    @inline(__always)
    private func mayHaveNameTwice(_ first: Int) -> Bool {
        let count = noted.count &- first
        // One member alone has no other to be compared with.
        if count < 2 { return false }
        // Of many, a table tells.
        if count > Self.few &+ TokenMember.count { return true }
        var met = Met()
        var isAnyMet = false
        for index in first..<noted.count where !noted[index].name.isMember {
            if met.note(noted[index].name) { isAnyMet = true }
        }
        return isAnyMet
    }

    @_optimize(speed)
    private func hasNameTwice(_ first: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        let count = noted.count &- first
        if count > Self.few &+ TokenMember.count { return unsafe hasNameTwiceAmongMany(first, in: text) }
        var met = Met()
        for index in first..<noted.count where !noted[index].name.isMember {
            let name = noted[index].name
            guard met.note(name) else { continue }
            for other in first..<index where noted[other].name == name {
                if unsafe isSame(other, index, in: text) { return true }
            }
        }
        return false
    }

    @_optimize(speed)
    private func hasNameTwiceAmongMany(_ first: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        // Where names are by their digests, counted from 1, which 16 bits have room for as they have for the text's places; 0 for
        // a free place. Three quarters stay free at least: every walk ends, and hardly any takes a step. A place is masked, and
        // what is in it an earlier member's.
        let size = 1 << (Int.bitWidth &- (4 &* (noted.count &- first) &- 1).leadingZeroBitCount)
        return unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: size) { places in
            unsafe places.initialize(repeating: 0)
            let mask = size &- 1
            return unsafe noted.withElements { noted in
                for index in first..<noted.count where unsafe !noted[index].name.isMember {
                    let name = unsafe noted[index].name
                    var place = name.number & mask
                    while case let number = unsafe Int(places[place]), number != 0 {
                        let other = first &+ number &- 1
                        if unsafe noted[other].name == name, unsafe isSame(other, index, in: text) { return true }
                        place = (place &+ 1) & mask
                    }
                    unsafe places[place] = UInt16(truncatingIfNeeded: index &- first &+ 1)
                }
                return false
            }
        }
    }

    /// Whether two names of one digest are one name, which they are but for the rarest chance.
    @inline(never)
    private func isSame(_ left: Int, _ right: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
        let a = unsafe bytes(left, in: text)
        let b = unsafe bytes(right, in: text)
        return unsafe a.withElements { a in unsafe b.withElements { b in unsafe JSONMembers.isEqual(a, b) } }
    }

    /// The name of a member as it reads.
    private func bytes(_ number: Int, in text: UnsafeBufferPointer<UInt8>) -> ScratchStack<UInt8> {
        let place = noted[number].entry.name
        var bytes = ScratchStack<UInt8>()
        unsafe bytes.rewrite(room: place.count &+ 16) { output in
            var count = 0
            _ = unsafe JSONText.read(text, from: place.lowerBound, into: output, &count, digits)
            return count
        }
        return bytes
    }
}

extension UInt64 {
    /// A number of which each bit depends on many of this one's.
    @inlinable
    package var mixed: UInt64 {
        let (high, low) = multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return high ^ low
    }
}
