// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Tokens that passed every check, so that a token seen again costs a look-up and no signature.
///
/// Nothing is believed but what the signature, the claims and the policy said: time, keys, requirement and denylist are
/// looked at again on every hit. Found is only what is the same to the last byte of the `Authorization` field. Only
/// verified tokens get in, so a stranger can neither fill it nor choose what shares a place with what.
final class VerifiedTokenCache: Sendable {
    /// A token and what its checks depended on.
    final class Entry: Sendable {
        let field: [UInt8]
        let token: VerifiedToken
        let trusted: RequestGuard.Trusted
        /// Held, so that no other set can ever have its identity.
        private let keys: KeySnapshot
        let keysID: ObjectIdentifier
        var generation: UInt64 { keys.generation }
        /// What is needed of `trusted` on every hit, here so that threads do not meet at its reference count.
        let fixedKeys: ObjectIdentifier?
        let hasOwnChecks: Bool
        let header: JOSEHeader
        /// The token counts from here on, and before there.
        let begin: UnixTime
        let end: UnixTime
        private let distance = CacheLine()

        init(
            field: [UInt8],
            token: VerifiedToken,
            trusted: RequestGuard.Trusted,
            keys: KeySnapshot,
            header: JOSEHeader,
            begin: UnixTime,
            end: UnixTime
        ) {
            self.field = field
            self.token = token
            self.trusted = trusted
            self.keys = keys
            self.keysID = ObjectIdentifier(keys)
            self.fixedKeys = trusted.fixedKeys
            self.hasOwnChecks = trusted.hasOwnChecks
            self.header = header
            self.begin = begin
            self.end = end
        }

        /// What it takes of the limit, estimated: the field here, the token for its fingerprint, and the claims with the
        /// signature that stands behind them.
        fileprivate var bytes: Int { 2 * field.count + token.claims.object.retainedBytes + 1024 }
    }

    private struct State {
        private(set) var entries: [UInt64: (entry: Entry, number: UInt64)] = [:]
        /// Places in the order in which they were taken; one that was left or taken again has another number by now.
        private var order: ArraySlice<(place: UInt64, number: UInt64)> = []
        private var nextNumber: UInt64 = 0
        private(set) var bytes = 0

        mutating func insert(_ entry: Entry, at place: UInt64) {
            remove(place)
            entries[place] = (entry, nextNumber)
            bytes += entry.bytes
            order.append((place, nextNumber))
            nextNumber += 1
            // Places of those that are gone, dropped when they are the most.
            if order.count > 2 * entries.count + 64 {
                order = order.filter { entries[$0.place]?.number == $0.number }[...]
            }
        }

        mutating func remove(_ place: UInt64) {
            if let gone = entries.removeValue(forKey: place) { bytes -= gone.entry.bytes }
        }

        /// Drops the oldest entries as long as `isDropped` says so.
        mutating func dropOldest(while isDropped: (State, Entry) -> Bool) {
            while let (place, number) = order.first {
                if let oldest = entries[place], oldest.number == number {
                    guard isDropped(self, oldest.entry) else { return }
                    remove(place)
                }
                order.removeFirst()
            }
        }

        /// Drops every entry that `isDropped` names.
        mutating func drop(where isDropped: (Entry) -> Bool) {
            for (place, kept) in entries where isDropped(kept.entry) { remove(place) }
        }
    }

    /// Locks apart from each other: threads meet in one only by chance.
    private final class Shard: Sendable {
        let state = Mutex(State())
        private let distance = CacheLine()
    }

    private let shards: [Shard]
    private let shardTokens: Int
    private let shardBytes: Int
    let life: Int64

    init(_ limits: TokenCacheLimits) {
        // Each has room for a good number of tokens, so that one that is chosen more often than others is not full early.
        let count = max(1, min(64, limits.tokens / 64, limits.bytes / (128 * 1024)))
        shards = (0..<count).map { _ in Shard() }
        shardTokens = max(1, limits.tokens / count)
        shardBytes = max(1, limits.bytes / count)
        life = limits.life
    }

    /// The entry of exactly this field.
    func find(_ field: String) -> Entry? {
        unsafe field.withBytes { unsafe find($0) }
    }

    /// The entry of exactly this field.
    func find(_ field: Span<UInt8>) -> Entry? {
        unsafe field.withUnsafeBufferPointer { unsafe find($0) }
    }

    private func find(_ bytes: UnsafeBufferPointer<UInt8>) -> Entry? {
        guard let place = unsafe Self.place(bytes) else { return nil }
        guard let entry = shard(place).state.withLock({ $0.entries[place]?.entry }) else { return nil }
        return unsafe Self.isEqual(entry.field, bytes) ? entry : nil
    }

    /// Keeps a token; those that have ended and the oldest ones make room.
    func insert(_ entry: Entry, at now: UnixTime) {
        guard let place = unsafe entry.field.withUnsafeBufferPointer({ unsafe Self.place($0) }),
            entry.bytes <= shardBytes
        else { return }
        if entry.trusted.isNewer(entry.generation) { forget(entry.trusted, before: entry.generation) }
        shard(place).state.withLock { state in
            // All live equally long at most, so that the oldest ones end about first.
            state.dropOldest { $1.end <= now }
            state.insert(entry, at: place)
            state.dropOldest { state, _ in state.entries.count > shardTokens || state.bytes > shardBytes }
        }
    }

    /// Forgets what was verified by earlier keys of an issuer: withdrawn ones must not live on here.
    private func forget(_ trusted: RequestGuard.Trusted, before generation: UInt64) {
        for shard in shards {
            shard.state.withLock { $0.drop { $0.trusted === trusted && $0.generation < generation } }
        }
    }

    /// Forgets an entry that no longer holds.
    func remove(_ entry: Entry) {
        guard let place = unsafe entry.field.withUnsafeBufferPointer({ unsafe Self.place($0) }) else { return }
        shard(place).state.withLock { state in
            if state.entries[place]?.entry === entry { state.remove(place) }
        }
    }

    /// How many tokens and bytes it holds.
    var size: (tokens: Int, bytes: Int) {
        shards.reduce((0, 0)) { size, shard in
            shard.state.withLock { (size.0 + $0.entries.count, size.1 + $0.bytes) }
        }
    }

    private func shard(_ place: UInt64) -> Shard {
        // The share of all places that lie below this one, of all shards: evenly, whatever their number.
        shards[Int(truncatingIfNeeded: place.multipliedFullWidth(by: UInt64(shards.count)).high)]
    }

    /// A number made of the field's length and its last sixteen characters, which are the end of a signature; nil for a
    /// field too short to be one.
    private static func place(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64? {
        guard bytes.count >= 32, let start = bytes.baseAddress else { return nil }
        let end = unsafe UnsafeRawPointer(start) + bytes.count
        let high = unsafe (end - 8).loadUnaligned(as: UInt64.self)
        let low = unsafe (end - 16).loadUnaligned(as: UInt64.self)
        let mixed = (high ^ low &* 0x9E37_79B9_7F4A_7C15) &+ UInt64(bytes.count)
        return (mixed ^ mixed >> 29) &* 0xBF58_476D_1CE4_E5B9
    }

    private static func isEqual(_ field: [UInt8], _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard field.count == bytes.count, let sent = bytes.baseAddress else { return false }
        return unsafe field.withUnsafeBytes { field in
            unsafe field.baseAddress.map { unsafe memcmp($0, sent, field.count) == 0 } ?? false
        }
    }
}
