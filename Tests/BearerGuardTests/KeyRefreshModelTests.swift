// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// The state machine under random events, against what must hold whatever happens.
///
/// 20 000 sequences in every run; a million by `BEARERGUARD_SEQUENCES=1000000`, best in a release build. The seed is
/// printed, `BEARERGUARD_SEED` repeats one.
@Suite("Key refresh: random events")
struct KeyRefreshModelTests {
    @Test("J20: no sequence of events breaks an invariant")
    func sequences() throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["BEARERGUARD_SEQUENCES"].flatMap { Int($0) } ?? 20_000
        let seed = environment["BEARERGUARD_SEED"].flatMap { UInt64($0) } ?? .random(in: 1 ... .max)
        let keys = try (0..<4).map { index in
            try VerificationKey(
                JWK.components(Self.members(of: try SigningKey(.es256, keyID: nil))),
                keyID: "k\(index)"
            )
        }
        var generator = SeededGenerator(seed: seed)
        var steps = 0
        for number in 0..<count {
            let sequence = (0..<Int.random(in: 1...40, using: &generator)).map { _ in generator.next() }
            steps += sequence.count
            if let fault = Self.fault(in: sequence, keys) {
                let shortest = Self.shrink(sequence) { Self.fault(in: $0, keys) != nil }
                Issue.record(
                    "seed \(seed), sequence \(number): \(fault); shortest: \(shortest.map { Model.Event($0) })"
                )
                return
            }
        }
        print("key refresh model: \(count) sequences, \(steps) events, seed \(seed): no invariant broken")
    }

    @Test("A broken invariant would be found, and shrunk to what matters")
    func shrinking() {
        let events = (0..<40).map { UInt64($0) }
        let shortest = Self.shrink(events) { $0.contains(7) && $0.contains(31) }
        #expect(shortest == [7, 31])
    }

    private static func members(of key: SigningKey) throws -> JSONObject {
        try #require(key.jwk.objectValue)
    }

    private static func fault(in sequence: [UInt64], _ keys: [VerificationKey]) -> String? {
        var model = Model(keys: keys)
        for code in sequence {
            if let fault = model.play(Model.Event(code)) { return fault }
        }
        return nil
    }

    /// Leaves out what can be left out, halves first.
    private static func shrink(_ sequence: [UInt64], _ fails: ([UInt64]) -> Bool) -> [UInt64] {
        var sequence = sequence
        var size = sequence.count / 2
        while size > 0 {
            var start = 0
            while start < sequence.count {
                var shorter = sequence
                shorter.removeSubrange(start..<min(start + size, sequence.count))
                if fails(shorter) { sequence = shorter } else { start += size }
            }
            size /= 2
        }
        return sequence
    }
}

/// The world around the machine: what it must have taken, and when.
private struct Model {
    enum Event {
        case pass(Duration)
        case look
        case miss(Int)
        case refresh(isForced: Bool)
        /// The fetch under way ends with these keys, one bit each.
        case deliver(keys: Int, life: Int64)
        case confirm
        case fail(retryAfter: Int64)
        /// The fetch under way is given up, and may end later.
        case giveUp
        /// A fetch that was given up ends after all.
        case deliverLate(keys: Int)
        case failLate
        case invalidate(Int)

        init(_ code: UInt64) {
            let value = Int(truncatingIfNeeded: code >> 8 & 0xFFFF)
            switch code & 0xFF {
            case 0..<70: self = .pass(.milliseconds(value * value % 40_000_000 / (value % 7 + 1)))
            case 70..<110: self = .look
            case 110..<150: self = .miss(value % 12)
            case 150..<165: self = .refresh(isForced: value % 2 == 0)
            case 165..<200: self = .deliver(keys: value % 15 + 1, life: Int64(60 + value % 2000))
            case 200..<212: self = .confirm
            case 212..<232: self = .fail(retryAfter: Int64(value % 120))
            case 232..<240: self = .giveUp
            case 240..<247: self = .deliverLate(keys: value % 15 + 1)
            case 247..<251: self = .failLate
            default: self = .invalidate(value % 4)
            }
        }
    }

    private static let policy = RefreshPolicy.standard.jittered { 0 }

    private let keys: [VerificationKey]
    private var machine = KeyRefreshMachine(policy: policy)
    private var now: Duration = .seconds(1)
    private var generation: UInt64 = 0
    private var awaited: KeyRefreshMachine.Ticket?
    private var givenUp: [KeyRefreshMachine.Ticket] = []
    /// What was accepted last, and with which ticket.
    private var accepted: (sequence: UInt64, generation: UInt64, at: Duration)?
    private var searches: [Duration] = []
    private var lastAttemptFailed = false
    /// What the set at hand is known by.
    private var validators: KeySetValidators?
    /// Keys taken out by hand, and the first fetch that may bring them back.
    private var gone: (names: Set<String>, askedSince: UInt64) = ([], 0)
    private var lastTicket: UInt64 = 0

    init(keys: [VerificationKey]) { self.keys = keys }

    /// Plays one event and says which invariant it broke.
    mutating func play(_ event: Event) -> String? {
        switch event {
        case .pass(let duration): now += duration
        case .look:
            let (_, ticket) = machine.current(at: now)
            if let ticket, let fault = begin(ticket) { return fault }
        case .miss(let index):
            let hadKeys = machine.availability(at: now).snapshot != nil
            let action = machine.missing("k\(index)", at: now)
            if case .fetch = action, hadKeys { searches.append(now) }
            if let fault = follow(action) { return fault }
            let isThere = machine.snapshot?.keys.contains { $0.keyID == "k\(index)" } ?? false
            if hadKeys, isThere, action != .atHand { return "asked for a key that is at hand" }
            if case .unknown = action, lastAttemptFailed { return "unknown, though the last attempt failed" }
            if case .unknown = action, case .stale = machine.availability(at: now) { return "unknown by a stale set" }
        case .refresh(let isForced):
            if let fault = follow(machine.refresh(at: now, isForced: isForced)) { return fault }
        case .deliver(let bits, let life):
            if let ticket = take() { return deliver(ticket, bits, life, isAwaited: true) }
        case .confirm:
            if let ticket = take() {
                let isSame = ticket.validators != nil && ticket.validators == validators && machine.snapshot != nil
                let ending = machine.finish(ticket, with: .unchanged(life: .seconds(100)), at: now)
                if (ending.alarms != nil) != isSame { return "confirmed another set than the one at hand" }
                if isSame { accept(ticket, accepted?.generation ?? 0) }
            }
        case .fail(let retryAfter):
            if let ticket = take() {
                machine.finish(ticket, with: .failure(.connection, retryAfter: .seconds(retryAfter)), at: now)
                lastAttemptFailed = true
            }
        case .giveUp:
            if let ticket = take() {
                givenUp.append(ticket)
                machine.finish(ticket, with: .failure(.timeout, retryAfter: nil), at: now)
                lastAttemptFailed = true
            }
        case .deliverLate(let bits):
            if let ticket = givenUp.popLast() { return deliver(ticket, bits, 100, isAwaited: false) }
        case .failLate:
            if let ticket = givenUp.popLast(),
                machine.finish(ticket, with: .failure(.connection, retryAfter: nil), at: now).alarms != nil
            {
                return "a failure that nobody waits for counted"
            }
        case .invalidate(let index):
            generation += 1
            let had = machine.snapshot?.keys.contains { $0.keyID == "k\(index)" } ?? false
            machine.invalidate(keyID: "k\(index)", generation: generation, at: now)
            if had {
                accepted?.generation = generation
                searches = []
                validators = nil
                gone.names.insert("k\(index)")
                gone.askedSince = lastTicket + 1
            }
            if had, machine.snapshot == nil { accepted = nil }
        }
        return brokenInvariant
    }

    private var brokenInvariant: String? {
        if machine.isFetching != (awaited != nil) { return "a waiter is lost: nobody fetches, or nobody waits" }
        if machine.rememberedNames > Self.policy.unknownKeys { return "more names remembered than allowed" }
        let availability = machine.availability(at: now)
        guard let snapshot = availability.snapshot, let age = availability.age else { return nil }
        guard let accepted else { return "keys from nowhere" }
        if snapshot.keys.contains(where: { gone.names.contains($0.keyID ?? "") }) {
            return "a key back by an old answer"
        }
        if snapshot.generation != accepted.generation { return "other keys than those accepted last" }
        if age != now - accepted.at { return "a wrong age" }
        if age >= Self.policy.staleLife { return "keys beyond the bound" }
        if machine.pauseUntilRefresh(at: now) < .zero { return "a refresh in the past" }
        let recent = searches.count { now - $0 < Self.policy.cooldown }
        return recent > 1 ? "\(recent) searches within a cooldown" : nil
    }

    private mutating func follow(_ action: KeyRefreshMachine.MissingAction) -> String? {
        switch action {
        case .fetch(let ticket): return begin(ticket)
        case .join: return awaited == nil ? "joined nothing" : nil
        case .unknown, .atHand: return nil
        case .unavailable(let pause): return pause >= .seconds(1) ? nil : "a pause under a second"
        }
    }

    private mutating func begin(_ ticket: KeyRefreshMachine.Ticket) -> String? {
        if awaited != nil { return "two fetches at once" }
        awaited = ticket
        lastTicket = ticket.sequence
        if ticket.askedAt != now { return "asked at another time" }
        return nil
    }

    private mutating func take() -> KeyRefreshMachine.Ticket? {
        defer { awaited = nil }
        return awaited
    }

    private mutating func deliver(
        _ ticket: KeyRefreshMachine.Ticket,
        _ bits: Int,
        _ life: Int64,
        isAwaited: Bool
    ) -> String? {
        generation += 1
        let set = keys.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element)
        let snapshot = KeySnapshot(keys: set, generation: generation)
        let tag = KeySetValidators(url: "u", entityTag: "\(generation)", lastModified: nil)
        let ending = machine.finish(ticket, with: .keys(snapshot, life: .seconds(life), tag), at: now)
        if ending.endsWaiting != isAwaited { return "waiters woken by another fetch than theirs, or by none" }
        guard ticket.sequence > accepted?.sequence ?? lastAcceptedSequence else {
            return ending.alarms == nil ? brokenInvariant : "an older answer taken"
        }
        accept(ticket, generation)
        let isAsked = ticket.sequence >= gone.askedSince
        validators = isAsked ? tag : nil
        if isAsked { gone.names = [] }
        if machine.snapshot == nil { accepted = nil }
        return brokenInvariant
    }

    private var lastAcceptedSequence: UInt64 = 0

    private mutating func accept(_ ticket: KeyRefreshMachine.Ticket, _ generation: UInt64) {
        accepted = (ticket.sequence, generation, ticket.askedAt)
        lastAcceptedSequence = ticket.sequence
        lastAttemptFailed = false
    }
}
