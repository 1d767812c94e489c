// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// The state machine alone: time goes in, decisions come out.
@Suite("Key refresh: the state machine")
struct KeyRefreshMachineTests {
    private var machine: KeyRefreshMachine
    private let policy: RefreshPolicy
    private let start: Duration = .seconds(1_000)

    init() {
        policy = RefreshPolicy.standard.jittered { 0 }
        machine = KeyRefreshMachine(policy: policy)
    }

    private static let validators = KeySetValidators(url: "https://idp.test/jwks", entityTag: "tag", lastModified: nil)

    private static func snapshot(_ generation: UInt64 = 1) -> KeySnapshot {
        KeySnapshot(keys: [], generation: generation)
    }

    private func keys(_ generation: UInt64 = 1, life: Duration = .seconds(100)) -> KeyRefreshMachine.Outcome {
        .keys(Self.snapshot(generation), life: life, Self.validators)
    }

    /// Gets a first set at `start`.
    private mutating func fill() throws {
        guard case .fetch(let ticket) = machine.missing(nil, at: start) else { throw TestKeyMissing() }
        machine.finish(ticket, with: keys(), at: start)
    }

    private func state(at now: Duration) -> String {
        switch machine.availability(at: now) {
        case .fresh(let snapshot, _): "fresh \(snapshot.generation)"
        case .stale(let snapshot, _): "stale \(snapshot.generation)"
        case .unavailable(let failure): "unavailable \(failure.retryAfter)"
        }
    }

    @Test("Without keys the first request fetches and the others join it")
    mutating func firstFetch() {
        #expect(state(at: start) == "unavailable 1")
        guard case .fetch = machine.missing("a", at: start) else {
            Issue.record("no fetch")
            return
        }
        for _ in 0..<100 { #expect(machine.missing("a", at: start) == .join) }
    }

    @Test("Keys are fresh for their life, then stale for a day, then gone")
    mutating func life() throws {
        try fill()
        #expect(state(at: start + .seconds(99)) == "fresh 1")
        #expect(state(at: start + .seconds(100)) == "stale 1")
        #expect(state(at: start + .seconds(86_399)) == "stale 1")
        #expect(state(at: start + .seconds(86_400)).hasPrefix("unavailable"))
    }

    @Test("A refresh starts at 80 percent of the life, once")
    mutating func refreshAhead() throws {
        try fill()
        #expect(machine.current(at: start + .seconds(79)).refresh == nil)
        let ticket = machine.current(at: start + .seconds(80)).refresh
        #expect(ticket?.validators == Self.validators)
        #expect(machine.current(at: start + .seconds(81)).refresh == nil)
    }

    @Test(
        "J1, J2, J3: a flood of unknown keys causes one fetch a cooldown, whatever comes of it",
        arguments: [("keys", 10), ("unchanged", 10), ("connection", 8), ("no_usable_key", 8)]
    )
    mutating func flood(_ name: String, _ expected: Int) throws {
        try fill()
        var fetches = 0
        for second in 0..<300 {
            let now = start + .seconds(30 + second)
            for index in 0..<50 {
                guard case .fetch(let ticket) = machine.missing("\(second)-\(index)", at: now) else { continue }
                fetches += 1
                let outcome: KeyRefreshMachine.Outcome =
                    switch name {
                    case "keys": keys(2, life: .seconds(600))
                    case "unchanged": .unchanged(life: .seconds(600))
                    default: .failure(KeyRefreshFailure(rawValue: name) ?? .failed, retryAfter: nil)
                    }
                machine.finish(ticket, with: outcome, at: now)
            }
        }
        #expect(fetches == expected)
    }

    @Test("J4: a rotation just after a refresh is seen at once, and under a flood within a cooldown")
    mutating func reserve() throws {
        try fill()
        guard case .fetch(let rotation) = machine.missing("new", at: start + .seconds(1)) else {
            Issue.record("no fetch")
            return
        }
        machine.finish(rotation, with: keys(2), at: start + .seconds(1))
        // From now on a flood gets nothing more, and a second rotation is found by the flood's next fetch.
        for second in 1..<30 {
            #expect(machine.missing("flood-\(second)", at: start + .seconds(second)) == .unknown)
        }
        guard case .fetch = machine.missing("flood", at: start + .seconds(31)) else {
            Issue.record("no fetch")
            return
        }
    }

    @Test("A key that arrived between the look at the set and the question is not searched for")
    mutating func arrived() throws {
        guard case .fetch(let ticket) = machine.missing(nil, at: start) else { throw TestKeyMissing() }
        let members = try #require(try SigningKey(.es256, keyID: nil).jwk.objectValue)
        let key = try VerificationKey(JWK.components(members), keyID: "a")
        let snapshot = KeySnapshot(keys: [key], generation: 1)
        machine.finish(ticket, with: .keys(snapshot, life: .seconds(600), nil), at: start)
        #expect(machine.missing("a", at: start) == .atHand)
        #expect(machine.missing(nil, at: start) == .atHand)
        #expect(!machine.isFetching)
    }

    @Test("Tokens of a key that was just withdrawn search for nothing")
    mutating func withdrawn() throws {
        guard case .fetch(let first) = machine.missing(nil, at: start) else { throw TestKeyMissing() }
        machine.finish(first, with: try named("old", 1), at: start)
        guard case .fetch(let second) = machine.refresh(at: start) else { throw TestKeyMissing() }
        machine.finish(second, with: try named("new", 2), at: start)
        #expect(machine.missing("old", at: start + .seconds(29)) == .unknown)
        guard case .fetch = machine.missing("newer", at: start + .seconds(29)) else {
            Issue.record("no fetch")
            return
        }
    }

    @Test("J5: while cooling down the answer comes at once: known to be unknown, or unavailable after a failure")
    mutating func coolingDown() throws {
        try fill()
        guard case .fetch(let first) = machine.missing("a", at: start + .seconds(1)) else {
            Issue.record("no fetch")
            return
        }
        machine.finish(first, with: keys(2), at: start + .seconds(1))
        #expect(machine.missing("a", at: start + .seconds(2)) == .unknown)
        #expect(machine.missing("new", at: start + .seconds(29)) == .unknown)
        guard case .fetch(let ticket) = machine.missing("new", at: start + .seconds(31)) else {
            Issue.record("no fetch")
            return
        }
        machine.finish(ticket, with: .failure(.connection, retryAfter: nil), at: start + .seconds(31))
        #expect(machine.missing("new", at: start + .seconds(32)) == .unavailable(retryAfter: .seconds(1)))
    }

    @Test("J6, J8: a failure keeps the last good set, for a day and no longer")
    mutating func failure() throws {
        try fill()
        var now = start + .seconds(100)
        while now < start + .seconds(86_400) {
            #expect(state(at: now) == "stale 1")
            if let ticket = machine.current(at: now).refresh {
                machine.finish(ticket, with: .failure(.connection, retryAfter: nil), at: now)
            }
            now += .seconds(600)
        }
        #expect(state(at: now).hasPrefix("unavailable"))
    }

    @Test("J16: an answer older than one already taken changes nothing")
    mutating func overtaken() throws {
        try fill()
        let late = try #require(machine.current(at: start + .seconds(90)).refresh)
        // The late one is given up by its shell, and a later one brings keys.
        machine.finish(late, with: .failure(.connection, retryAfter: nil), at: start + .seconds(95))
        let newer = try #require(machine.current(at: start + .seconds(97)).refresh)
        machine.finish(newer, with: keys(3), at: start + .seconds(97))
        machine.finish(late, with: keys(2), at: start + .seconds(98))
        #expect(state(at: start + .seconds(98)) == "fresh 3")
    }

    /// A set of one key with this name.
    private func named(_ name: String, _ generation: UInt64) throws -> KeyRefreshMachine.Outcome {
        let key = try VerificationKey(
            JWK.components(try #require(SigningKey(.es256, keyID: nil).jwk.objectValue)),
            keyID: name
        )
        return .keys(KeySnapshot(keys: [key], generation: generation), life: .seconds(600), Self.validators)
    }

    @Test("An answer under way when a key is taken out by hand does not bring it back; the next one does")
    mutating func invalidatedMeanwhile() throws {
        guard case .fetch(let first) = machine.missing("a", at: start) else { throw TestKeyMissing() }
        machine.finish(first, with: try named("a", 1), at: start)
        let underWay = try #require(machine.current(at: start + .seconds(500)).refresh)
        machine.invalidate(keyID: "a", generation: 2, at: start + .seconds(500))
        let ending = machine.finish(underWay, with: try named("a", 3), at: start + .seconds(501))
        #expect(ending.endsWaiting)
        #expect(state(at: start + .seconds(501)) == "unavailable 1")
        let next = try #require(machine.current(at: start + .seconds(501)).refresh)
        #expect(next.validators == nil)
        machine.finish(next, with: try named("a", 4), at: start + .seconds(502))
        #expect(state(at: start + .seconds(502)) == "fresh 4")
    }

    @Test("304 confirms the set that was asked about and no other")
    mutating func unchangedOther() throws {
        try fill()
        let asked = try #require(machine.current(at: start + .seconds(80)).refresh)
        machine.finish(asked, with: .failure(.timeout, retryAfter: nil), at: start + .seconds(85))
        let successor = try #require(machine.current(at: start + .seconds(90)).refresh)
        // The one that was given up answers after all, with another set than the one that its successor asks about.
        let other = KeySetValidators(url: "https://idp.test/jwks", entityTag: "other", lastModified: nil)
        machine.finish(asked, with: .keys(Self.snapshot(2), life: .seconds(100), other), at: start + .seconds(91))
        let ending = machine.finish(successor, with: .unchanged(life: .seconds(1000)), at: start + .seconds(95))
        #expect(ending.alarms == nil)
        #expect(ending.endsWaiting)
        #expect(state(at: start + .seconds(190)) == "fresh 2")
        #expect(state(at: start + .seconds(192)) == "stale 2")
    }

    @Test("A fetch that was given up brings its keys and wakes nobody who waits for its successor")
    mutating func lateSuccess() throws {
        try fill()
        let late = try #require(machine.current(at: start + .seconds(80)).refresh)
        machine.finish(late, with: .failure(.timeout, retryAfter: nil), at: start + .seconds(85))
        guard case .fetch(let search) = machine.missing("new", at: start + .seconds(90)) else { throw TestKeyMissing() }
        let ending = machine.finish(late, with: keys(2), at: start + .seconds(91))
        #expect(!ending.endsWaiting)
        #expect(ending.alarms != nil)
        #expect(state(at: start + .seconds(91)) == "fresh 2")
        // The name may be in the answer that is still to come.
        #expect(machine.missing("new", at: start + .seconds(91)) == .join)
        #expect(machine.finish(search, with: try named("new", 3), at: start + .seconds(92)).endsWaiting)
        #expect(machine.missing("new", at: start + .seconds(92)) == .atHand)
    }

    @Test("The age of keys counts from the question, not from the answer")
    mutating func questionTime() throws {
        guard case .fetch(let ticket) = machine.missing(nil, at: start) else { throw TestKeyMissing() }
        machine.finish(ticket, with: keys(), at: start + .seconds(4))
        #expect(machine.availability(at: start + .seconds(4)).age == .seconds(4))
        // Their life counts from the answer, as its max-age does.
        #expect(state(at: start + .seconds(103)) == "fresh 1")
    }

    @Test("Looking for keys that are not there starts the fetch of them, and looking again does not")
    mutating func lookingFetches() throws {
        let ticket = try #require(machine.current(at: start).refresh)
        #expect(machine.current(at: start).refresh == nil)
        #expect(machine.missing("a", at: start) == .join)
        machine.finish(ticket, with: .failure(.connection, retryAfter: nil), at: start)
        #expect(machine.current(at: start).refresh == nil)
        #expect(machine.current(at: start + .seconds(1)).refresh != nil)
    }

    @Test("Pauses after failures double to a minute, and the issuer's own wish counts up to there")
    mutating func backoff() {
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<8 {
            guard case .fetch(let ticket) = machine.missing(nil, at: now) else {
                Issue.record("no fetch")
                return
            }
            machine.finish(ticket, with: .failure(.connection, retryAfter: nil), at: now)
            guard case .unavailable(let pause) = machine.missing(nil, at: now) else {
                Issue.record("no pause")
                return
            }
            pauses.append(pause)
            now += pause
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    }

    @Test("J7: a new set replaces the old one whole")
    mutating func replacement() throws {
        try fill()
        let ticket = try #require(machine.current(at: start + .seconds(80)).refresh)
        machine.finish(ticket, with: keys(2), at: start + .seconds(80))
        #expect(state(at: start + .seconds(179)) == "fresh 2")
    }

    @Test("J17: refreshes of a fleet are spread by a tenth to either side")
    func jitter() {
        let early = policy.jittered { -1 }
        let late = policy.jittered { 1 }
        #expect(early.jittered(.seconds(80)) == .seconds(72))
        #expect(late.jittered(.seconds(80)) == .seconds(88))
        #expect(policy.jittered { 50 }.jittered(.seconds(80)) == .seconds(88))
    }

    @Test(
        "The life of an answer follows Cache-Control and Age within its bounds",
        arguments: [
            (nil, nil, 900), ("max-age=300", nil, 300), ("public, max-age=300, must-revalidate", "100", 200),
            ("max-age=1", nil, 60), ("max-age=99999999", nil, 86_400), ("no-store", nil, 60),
            ("no-cache, max-age=300", nil, 60),
            ("max-age=0", nil, 60), ("MAX-AGE=300", nil, 300), ("max-age=300", "9999999999", 60),
            ("max-age=-5", nil, 60),
            ("max-age=abc", nil, 900), ("max-age=99999999999999999999", nil, 900), ("private", nil, 900),
        ] as [(String?, String?, Int)]
    )
    func lives(_ cacheControl: String?, _ age: String?, _ seconds: Int) {
        #expect(policy.life(cacheControl: cacheControl, age: age) == .seconds(seconds))
    }
}
