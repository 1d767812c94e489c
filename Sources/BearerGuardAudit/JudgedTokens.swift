// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Synchronization

/// What came of a token: the same on every line that has it, while the time and the keys are the same.
struct JudgedToken: Sendable, BitwiseCopyable {
    private let number: Int32
    let fingerprint: TokenFingerprint

    /// The number of its ``Conclusion``.
    var conclusion: Int { Int(number) }

    init(conclusion: Int, fingerprint: TokenFingerprint) {
        number = Int32(truncatingIfNeeded: conclusion)
        self.fingerprint = fingerprint
    }
}

/// Tokens that were judged, so that the next line with one costs a look and no signature: captures repeat few tokens often.
///
/// A token is known by all of its bytes. They stand behind each other, with what came of them in front as plain values: what is
/// found counts no references, at which threads would meet. Memory is bounded; where it is full, a part of it starts anew.
final class JudgedTokens: Sendable {
    /// What stands in front of the bytes of a token.
    private struct Entry: BitwiseCopyable {
        let place: UInt64
        /// The period in which it holds.
        let start: UnixTime
        private let bytes: Int32
        let end: UnixTime
        let judged: JudgedToken

        /// Bytes of the token.
        var count: Int { Int(bytes) }

        init(_ place: UInt64, _ period: Range<UnixTime>, count: Int, _ judged: JudgedToken) {
            self.place = place
            (start, end) = (period.lowerBound, period.upperBound)
            bytes = Int32(truncatingIfNeeded: count)
            self.judged = judged
        }
    }

    private struct State {
        private struct Slot {
            /// The upper half of a place, by which nearly all others are told apart.
            let tag: UInt32
            /// Counted from 1; 0 where there is none.
            private let number: UInt32

            static let free = Slot(0, nil)

            init(_ place: UInt64, _ start: Int?) {
                tag = Self.tag(place)
                number = start.map { UInt32(truncatingIfNeeded: $0 + 1) } ?? 0
            }

            static func tag(_ place: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: place >> 32) }

            /// Where an entry begins.
            var start: Int? { number > 0 ? Int(number - 1) : nil }
        }

        /// Entries with their tokens, one behind the other.
        private var memory: [UInt8] = []
        /// Where entries are by the bits of their places above those that choose a shard.
        private var slots: [Slot] = []
        private var count = 0

        /// Where the entry of a place begins.
        func start(_ place: UInt64) -> Int? {
            guard !slots.isEmpty, let start = slots[index(of: place)].start, entry(start).place == place else {
                return nil
            }
            return start
        }

        /// What came of a token, if it is the one of an entry.
        func judged(_ token: UnsafeBufferPointer<UInt8>, _ start: Int, _ time: UnixTime) -> JudgedToken? {
            let entry = entry(start)
            let bytes = start + MemoryLayout<Entry>.size
            guard entry.start <= time, time < entry.end,
                unsafe token.isSame(as: memory, at: bytes..<bytes + entry.count)
            else { return nil }
            return entry.judged
        }

        private func entry(_ start: Int) -> Entry {
            unsafe memory.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: start, as: Entry.self) }
        }

        mutating func insert(
            _ token: UnsafeBufferPointer<UInt8>,
            at place: UInt64,
            _ judged: JudgedToken,
            during period: Range<UnixTime>,
            limit: Int
        ) {
            if size + MemoryLayout<Entry>.size + token.count > limit { removeAll() }
            // What is never written to takes no memory, and nothing has to be moved.
            if memory.capacity < limit { memory.reserveCapacity(limit) }
            let start = memory.count
            let entry = Entry(place, period, count: token.count, judged)
            unsafe withUnsafeBytes(of: entry) { unsafe memory.append(contentsOf: $0) }
            unsafe memory.append(contentsOf: token)
            note(place, start)
        }

        private mutating func removeAll() {
            memory.removeAll(keepingCapacity: true)
            slots = []
            count = 0
        }

        /// What it takes.
        private var size: Int { memory.count + slots.count * MemoryLayout<Slot>.stride }

        private mutating func note(_ place: UInt64, _ start: Int) {
            if slots.count < 2 * (count + 1) {
                let starts = slots.compactMap(\.start)
                slots = Array(repeating: Slot.free, count: max(64, 2 * slots.count))
                for start in starts { put(entry(start).place, start) }
            }
            if put(place, start) { count += 1 }
        }

        /// Puts an entry into its slot; false where there was another one.
        @discardableResult
        private mutating func put(_ place: UInt64, _ start: Int) -> Bool {
            let index = index(of: place)
            let isFree = slots[index].start == nil
            slots[index] = Slot(place, start)
            return isFree
        }

        /// The slot of a place, or the free one that it would have: at least half of them are free.
        private func index(of place: UInt64) -> Int {
            let (tag, mask) = (Slot.tag(place), slots.count - 1)
            var index = Int(truncatingIfNeeded: place >> JudgedTokens.shardBits) & mask
            while slots[index].start != nil, slots[index].tag != tag { index = (index + 1) & mask }
            return index
        }
    }

    private final class Shard: Sendable {
        let state = Mutex(State())
    }

    /// A token that is looked for.
    private struct Sought {
        let place: UInt64
        /// The number of its line.
        let line: Int32
        /// Another one of its shard.
        let next: Int32?
        /// Where its entry begins.
        var start: Int32?
    }

    /// Bits of a place that choose a shard.
    private static let shardBits: UInt64 = 5
    private static let shardCount = 1 << shardBits
    private let shards = (0..<shardCount).map { _ in Shard() }
    private let shardBytes: Int
    private let seed = UInt64.random(in: .min ... .max)

    /// - Parameter bytes: most bytes.
    init(bytes: Int) { shardBytes = min(bytes / shards.count, Int(Int32.max)) }

    /// What came of exactly the tokens of these lines, where it would come of them at their times as well.
    ///
    /// Those of one shard follow each other, and all their entries are found before any token is compared: it is locked
    /// once, and the processor, which does little more than to wait for memory, waits for that of several at a time.
    func find(_ lines: CapturedLines) -> [JudgedToken?] {
        var sought: [Sought] = []
        sought.reserveCapacity(lines.all.count)
        var first = [Int32?](repeating: nil, count: Self.shardCount)
        for (index, line) in lines.all.enumerated() {
            guard case .token(let text) = line.content, line.time != nil,
                let place = unsafe lines.withBytes(of: text, { unsafe place($0) })
            else { continue }
            let shard = Self.shard(of: place)
            let number = Int32(truncatingIfNeeded: sought.count)
            sought.append(Sought(place: place, line: Int32(truncatingIfNeeded: index), next: first[shard]))
            first[shard] = number
        }
        var judged = [JudgedToken?](repeating: nil, count: lines.all.count)
        for (shard, first) in first.enumerated() where first != nil {
            shards[shard].state.withLock { state in
                var next = first
                while let number = next.map(Int.init) {
                    sought[number].start = state.start(sought[number].place).map { Int32(truncatingIfNeeded: $0) }
                    next = sought[number].next
                }
                next = first
                while let number = next.map(Int.init) {
                    let token = sought[number]
                    next = token.next
                    let line = lines.all[Int(token.line)]
                    guard let start = token.start, case .token(let text) = line.content, let time = line.time else {
                        continue
                    }
                    judged[Int(token.line)] = unsafe lines.withBytes(of: text) { bytes in
                        unsafe state.judged(bytes, Int(start), time)
                    }
                }
            }
        }
        return judged
    }

    /// What came of exactly this token, if it would come of it at `time` as well.
    func find(_ token: UnsafeBufferPointer<UInt8>, at time: UnixTime) -> JudgedToken? {
        guard let place = unsafe place(token) else { return nil }
        return shards[Self.shard(of: place)].state.withLock { state in
            state.start(place).flatMap { unsafe state.judged(token, $0, time) }
        }
    }

    /// Keeps what came of a token while neither the time nor the keys of the issuer make it another; of any that has more than
    /// plain bytes nothing, so that a line with the same bytes between two quotes needs no other look at them.
    func insert(_ token: UnsafeBufferPointer<UInt8>, _ judged: JudgedToken, during period: Range<UnixTime>) {
        guard token.count < shardBytes / 8, unsafe JSONPlaces.plainEnd(token, from: 0) == token.count,
            let place = unsafe place(token)
        else { return }
        shards[Self.shard(of: place)].state.withLock {
            unsafe $0.insert(token, at: place, judged, during: period, limit: shardBytes)
        }
    }

    private static func shard(of place: UInt64) -> Int { Int(place % UInt64(shardCount)) }

    /// A number made of the length and the last bytes, which are the end of a signature; nil for what is no token.
    ///
    /// Another one in each process, so that whoever writes a capture does not know which tokens have places side by side.
    private func place(_ token: UnsafeBufferPointer<UInt8>) -> UInt64? {
        guard token.count >= 16 else { return nil }
        let bytes = UnsafeRawBufferPointer(token)
        let (first, last) = unsafe (
            bytes.loadUnaligned(fromByteOffset: bytes.count - 16, as: UInt64.self),
            bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        )
        return (((seed ^ UInt64(bytes.count)).mixed ^ last).mixed ^ first).mixed &+ seed
    }
}
