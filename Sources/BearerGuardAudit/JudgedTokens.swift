// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Synchronization

/// Tokens that were judged, so that the next line with one costs a look and no signature: captures repeat few tokens often.
///
/// A token is known by all of its bytes. Memory is bounded; where it is full, a part of it starts anew.
final class JudgedTokens: Sendable {
    /// A token, what came of it, and for how long.
    final class Entry: Sendable {
        let token: [UInt8]
        let judged: JudgedToken
        /// While neither the time nor the keys of the issuer make the result another.
        let period: Range<UnixTime>

        init(_ token: ArraySlice<UInt8>, _ judged: JudgedToken, during period: Range<UnixTime>) {
            self.token = Array(token)
            self.judged = judged
            self.period = period
        }

        /// What it takes, estimated.
        var bytes: Int { token.count + judged.conclusion.bytes + 256 }
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var bytes = 0
    }

    private final class Shard: Sendable {
        let state = Mutex(State())
    }

    private let shards = (0..<64).map { _ in Shard() }
    private let shardBytes: Int

    /// - Parameter bytes: most bytes, estimated.
    init(bytes: Int) { shardBytes = bytes / shards.count }

    /// What came of exactly this token, if it would come of it at `time` as well.
    func find(_ token: ArraySlice<UInt8>, at time: UnixTime) -> JudgedToken? {
        let place = Self.place(token)
        guard let entry = shard(place).state.withLock({ $0.entries[place] }), token.isSame(as: entry.token),
            entry.period.contains(time)
        else { return nil }
        return entry.judged
    }

    func insert(_ entry: Entry) {
        let place = Self.place(entry.token[...])
        shard(place).state.withLock { state in
            if state.bytes + entry.bytes > shardBytes { state = State() }
            if let known = state.entries.updateValue(entry, forKey: place) { state.bytes -= known.bytes }
            state.bytes += entry.bytes
        }
    }

    private func shard(_ place: UInt64) -> Shard { shards[Int(truncatingIfNeeded: place >> 58)] }

    /// A number made of the length and the last bytes, which are the end of a signature.
    private static func place(_ token: ArraySlice<UInt8>) -> UInt64 {
        var place = UInt64(truncatingIfNeeded: token.count)
        for index in token.indices.suffix(16) { place = (place ^ UInt64(token[index])) &* 0x9E37_79B9_7F4A_7C15 }
        return place
    }
}
