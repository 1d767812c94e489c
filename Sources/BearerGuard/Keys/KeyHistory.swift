// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The key sets of one issuer in the order of time.
package struct KeyHistory: Sendable {
    private struct Observation: Sendable {
        let since: UnixTime
        var lastSeen: UnixTime
        let text: [UInt8]
        let snapshot: KeySnapshot
        /// The keys of this set, and those that the next one added: what may have held until the next one was seen.
        var untilNext: KeySnapshot
    }

    private var observations: [Observation] = []
    /// Lines that could not be read.
    package var damagedLines = 0
    /// Whether the file ends without the end of a line.
    var endsInMidLine = false

    package init() {}

    /// Whether `keySet` is the last set again.
    func isLatest(_ keySet: [UInt8]) -> Bool { observations.last?.text == keySet }

    /// Adds a set.
    ///
    /// - Throws: ``ConfigurationError`` when it is no key set; one without a usable key is nothing that ever held.
    mutating func add(_ keySet: [UInt8], at time: UnixTime) throws(ConfigurationError) {
        let set = try JWKSet(keySet)
        guard set.usableKeyCount > 0 else { throw ConfigurationError("the key set has no key that can be used") }
        let snapshot = KeySnapshot(set, generation: UInt64(observations.count + 1))
        if let last = observations.indices.last {
            let before = observations[last].snapshot
            observations[last].untilNext = before.adding(snapshot.keys)
        }
        let since = max(time, observations.last?.lastSeen ?? time)
        observations.append(
            Observation(since: since, lastSeen: since, text: keySet, snapshot: snapshot, untilNext: snapshot)
        )
    }

    /// Notes that the last set was seen again, and names it by its hash; nil where there is none, or another one is
    /// meant.
    mutating func confirm(at time: UnixTime, sum: String? = nil) -> String? {
        guard let last = observations.indices.last else { return nil }
        let own = Base64URL.encode(SHA256.hash(observations[last].text).prefix(12))
        guard sum.map(own.isExactly) ?? true else { return nil }
        observations[last].lastSeen = max(observations[last].lastSeen, time)
        return own
    }

    /// The keys that held at `time`, and for how long; nil before the first set.
    package func held(at time: UnixTime) -> (keys: KeySnapshot, period: Range<UnixTime>)? {
        // The first observation that begins later than `time`; the one before it held then.
        var low = 0
        var high = observations.count
        while low < high {
            let middle = (low + high) / 2
            if observations[middle].since <= time { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let observation = observations[low - 1]
        let end = low < observations.count ? observations[low].since : UnixTime.always.upperBound
        if observation.untilNext === observation.snapshot { return (observation.snapshot, observation.since..<end) }
        // Right after it was last seen the next set may have been published.
        let lastSeen = observation.lastSeen
        let change = min(UnixTime(seconds: lastSeen.seconds, nanoseconds: lastSeen.nanoseconds + 1), end)
        return time < change
            ? (observation.snapshot, observation.since..<change) : (observation.untilNext, change..<end)
    }

    /// When a key was first missing; nil while it is published.
    private func withdrawnSince(thumbprint: String) -> UnixTime? {
        guard let last = observations.lastIndex(where: { $0.snapshot.has(thumbprint) }),
            last + 1 < observations.count
        else { return nil }
        return observations[last + 1].since
    }

    /// When each key that is gone was first missing, by thumbprint.
    package var withdrawals: [String: UnixTime] {
        Dictionary(
            keys.compactMap { key in key.withdrawnSince.map { (key.thumbprint, $0) } },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Every key that was ever published.
    package var verificationKeys: [VerificationKey] { observations.flatMap(\.snapshot.keys) }

    /// Every key, in the order of appearance.
    package var keys: [KeyArchive.ArchivedKey] {
        var seen: Set<String> = []
        var keys: [KeyArchive.ArchivedKey] = []
        for observation in observations {
            for key in observation.snapshot.keys {
                guard let thumbprint = key.thumbprint, seen.insert(thumbprint).inserted else { continue }
                let last = observations.last { $0.snapshot.has(thumbprint) }
                keys.append(
                    KeyArchive.ArchivedKey(
                        keyID: key.keyID?.escapedForLogs,
                        thumbprint: thumbprint,
                        firstSeen: observation.since,
                        lastSeen: last?.lastSeen ?? observation.lastSeen,
                        withdrawnSince: withdrawnSince(thumbprint: thumbprint)
                    )
                )
            }
        }
        return keys
    }
}

extension KeySnapshot {
    fileprivate func has(_ thumbprint: String) -> Bool { keys.contains { $0.thumbprint == thumbprint } }

    /// These keys and those of `others` whose names are not taken.
    fileprivate func adding(_ others: [VerificationKey]) -> KeySnapshot {
        let added = others.filter { other in
            !keys.contains { key in
                key.thumbprint == other.thumbprint
                    || key.keyID.flatMap { name in other.keyID.map { name.isExactly($0) } } == true
            }
        }
        return added.isEmpty ? self : KeySnapshot(keys: keys + added, faults: faults, generation: generation)
    }
}
