// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Synchronization

/// What came of a token: the same on every line that has it, while the time and the keys are the same.
struct JudgedToken: Sendable {
    /// The number of its ``Conclusion``.
    let conclusion: Int
    let fingerprint: TokenFingerprint
}

/// Tokens that were judged, so that the next line with one costs a look and no signature: captures repeat few tokens often.
///
/// A token is known by all of its bytes. They stand behind each other, and what came of them is plain values: a look counts
/// no references, at which threads would meet. Memory is bounded; where it is full, a part of it starts anew.
final class JudgedTokens: Sendable {
    private struct Entry {
        let place: UInt64
        let bytes: Range<Int>
        let judged: JudgedToken
        let period: Range<UnixTime>
    }

    private struct State {
        /// Of all tokens, one behind the other.
        private var bytes: [UInt8] = []
        private var entries: [Entry] = []
        /// Where entries are by the bits of their places above those that choose a shard, counted from 1; 0 for none.
        private var numbers: [UInt32] = []

        func find(_ token: UnsafeBufferPointer<UInt8>, at place: UInt64, _ time: UnixTime) -> JudgedToken? {
            guard let entry = number(place).map({ entries[$0] }), entry.period.contains(time),
                unsafe token.isSame(as: bytes, at: entry.bytes)
            else { return nil }
            return entry.judged
        }

        mutating func insert(
            _ token: UnsafeBufferPointer<UInt8>,
            at place: UInt64,
            _ judged: JudgedToken,
            during period: Range<UnixTime>,
            limit: Int
        ) {
            if size + token.count > limit { removeAll() }
            // What is never written to takes no memory, and nothing has to be moved.
            if bytes.capacity < limit { bytes.reserveCapacity(limit) }
            let start = bytes.count
            unsafe bytes.append(contentsOf: token)
            let entry = Entry(place: place, bytes: start..<bytes.count, judged: judged, period: period)
            if let number = number(place) {
                entries[number] = entry
            } else {
                entries.append(entry)
                if numbers.count < 2 * entries.count {
                    numbers = Array(repeating: 0, count: max(64, 2 * numbers.count))
                    for index in entries.indices { note(index) }
                } else {
                    note(entries.count - 1)
                }
            }
        }

        private mutating func removeAll() {
            bytes.removeAll(keepingCapacity: true)
            entries = []
            numbers = []
        }

        /// What it takes.
        private var size: Int {
            bytes.count + entries.capacity * MemoryLayout<Entry>.stride + numbers.count * MemoryLayout<UInt32>.stride
        }

        /// The number of the entry of a place.
        private func number(_ place: UInt64) -> Int? {
            // At least half of them are free: the walk ends.
            var index = Int(truncatingIfNeeded: place >> 6) & (numbers.count - 1)
            while !numbers.isEmpty, numbers[index] > 0 {
                let number = Int(numbers[index]) - 1
                if entries[number].place == place { return number }
                index = (index + 1) & (numbers.count - 1)
            }
            return nil
        }

        private mutating func note(_ number: Int) {
            var index = Int(truncatingIfNeeded: entries[number].place >> 6) & (numbers.count - 1)
            while numbers[index] > 0 { index = (index + 1) & (numbers.count - 1) }
            numbers[index] = UInt32(number + 1)
        }
    }

    private final class Shard: Sendable {
        let state = Mutex(State())
    }

    /// A token that is looked for.
    private struct Sought {
        let line: Int
        let text: CapturedLine.Text
        let time: UnixTime
        let place: UInt64
        /// Another one of its shard; -1 for none.
        let next: Int
    }

    private static let shardCount = 32
    private let shards = (0..<shardCount).map { _ in Shard() }
    private let shardBytes: Int
    private let seed = UInt64.random(in: .min ... .max)

    /// - Parameter bytes: most bytes.
    init(bytes: Int) { shardBytes = bytes / shards.count }

    /// What came of exactly the tokens of these lines, where it would come of them at their times as well.
    ///
    /// Those of one shard follow each other: it is locked once, and the processor, which does little more than to wait for
    /// memory, waits for several of them at a time.
    func find(_ lines: CapturedLines) -> [JudgedToken?] {
        var sought: [Sought] = []
        sought.reserveCapacity(lines.all.count)
        var first = [Int](repeating: -1, count: Self.shardCount)
        for (index, line) in lines.all.enumerated() {
            guard case .token(let text) = line.content, let time = line.time,
                let place = lines.withBytes(of: text, { unsafe place($0) })
            else { continue }
            let shard = Self.shard(of: place)
            sought.append(Sought(line: index, text: text, time: time, place: place, next: first[shard]))
            first[shard] = sought.count - 1
        }
        var judged = [JudgedToken?](repeating: nil, count: lines.all.count)
        for shard in first.indices where first[shard] >= 0 {
            shards[shard].state.withLock { state in
                var next = first[shard]
                while next >= 0 {
                    let token = sought[next]
                    judged[token.line] = lines.withBytes(of: token.text) { bytes in
                        unsafe state.find(bytes, at: token.place, token.time)
                    }
                    next = token.next
                }
            }
        }
        return judged
    }

    /// What came of exactly this token, if it would come of it at `time` as well.
    func find(_ token: UnsafeBufferPointer<UInt8>, at time: UnixTime) -> JudgedToken? {
        guard let place = unsafe place(token) else { return nil }
        return shards[Self.shard(of: place)].state.withLock { unsafe $0.find(token, at: place, time) }
    }

    /// Keeps what came of a token while neither the time nor the keys of the issuer make it another.
    func insert(_ token: UnsafeBufferPointer<UInt8>, _ judged: JudgedToken, during period: Range<UnixTime>) {
        guard token.count < shardBytes / 8, let place = unsafe place(token) else { return }
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
