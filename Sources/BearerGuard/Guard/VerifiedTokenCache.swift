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
        /// What is needed of `trusted` on every hit, here so that threads do not meet at its reference count.
        let fixedKeys: ObjectIdentifier?
        let hasOwnChecks: Bool
        let header: JOSEHeader
        /// The token counts from here on, and before there.
        let begin: UnixTime
        let end: UnixTime

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

        /// What it takes of the limit: the field, and the claims read from it, which are smaller.
        fileprivate var bytes: Int { 2 * field.count + 512 }
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var order: [UInt64] = []
        var oldest = 0
        var bytes = 0
    }

    /// Locks apart from each other: threads meet in one only by chance.
    private final class Shard: Sendable {
        let state = Mutex(State())
    }

    private let shards: [Shard]
    private let shardTokens: Int
    private let shardBytes: Int
    let life: Int64

    init(_ limits: TokenCacheLimits) {
        let count = 16
        shards = (0..<count).map { _ in Shard() }
        shardTokens = max(1, limits.tokens / count)
        shardBytes = max(1, limits.bytes / count)
        life = limits.life
    }

    /// The entry of exactly this field.
    func find(_ field: String) -> Entry? {
        var field = field
        return field.withUTF8 { bytes -> Entry? in
            guard let place = unsafe Self.place(bytes) else { return nil }
            guard let entry = shard(place).state.withLock({ $0.entries[place] }) else { return nil }
            return unsafe Self.isEqual(entry.field, bytes) ? entry : nil
        }
    }

    /// Keeps a token; the oldest ones make room.
    func insert(_ entry: Entry) {
        guard let place = unsafe entry.field.withUnsafeBufferPointer({ unsafe Self.place($0) }),
            entry.bytes <= shardBytes
        else { return }
        shard(place).state.withLock { state in
            if let known = state.entries.updateValue(entry, forKey: place) {
                state.bytes -= known.bytes
            } else {
                state.order.append(place)
            }
            state.bytes += entry.bytes
            while state.entries.count > shardTokens || state.bytes > shardBytes, state.oldest < state.order.count {
                let oldest = state.order[state.oldest]
                state.oldest += 1
                if let gone = state.entries.removeValue(forKey: oldest) { state.bytes -= gone.bytes }
            }
            // Places of those that are gone, dropped when they are the most.
            if state.order.count > 2 * state.entries.count + 64 {
                state.order = state.order[state.oldest...].filter { state.entries[$0] != nil }
                state.oldest = 0
            }
        }
    }

    /// Forgets an entry that no longer holds.
    func remove(_ entry: Entry) {
        guard let place = unsafe entry.field.withUnsafeBufferPointer({ unsafe Self.place($0) }) else { return }
        shard(place).state.withLock { state in
            guard state.entries[place] === entry else { return }
            state.entries[place] = nil
            state.bytes -= entry.bytes
        }
    }

    /// How many tokens and bytes it holds.
    var size: (tokens: Int, bytes: Int) {
        shards.reduce((0, 0)) { size, shard in
            shard.state.withLock { (size.0 + $0.entries.count, size.1 + $0.bytes) }
        }
    }

    private func shard(_ place: UInt64) -> Shard { shards[Int(place >> 60) % shards.count] }

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
