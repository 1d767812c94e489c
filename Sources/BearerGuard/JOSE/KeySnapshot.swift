// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The keys of one issuer at one time: immutable, shared by all requests, replaced as a whole.
public final class KeySnapshot: Sendable {
    package let keys: [VerificationKey]
    /// Entries that are not used, by key identifier, so that a refusal can say why.
    package let faults: [(keyID: String?, fault: KeyFault)]
    /// Counts snapshots of one source; a cache keyed by it forgets withdrawn keys.
    package let generation: UInt64
    private let byKeyID: [ExactString: [VerificationKey]]
    /// Up to so many keys are quicker looked through than looked up.
    private static let fewKeys = 8
    /// The keys that are the only ones of their names, where the set is small enough to be looked through.
    private let few: [(keyID: String, key: VerificationKey)]

    package init(
        keys: [VerificationKey],
        faults: [(keyID: String?, fault: KeyFault)] = [],
        generation: UInt64 = 0
    ) {
        var distinct: [VerificationKey] = []
        var byKeyID: [ExactString: [VerificationKey]] = [:]
        var unnamed: [VerificationKey] = []
        for key in keys {
            let id = key.keyID.map(ExactString.init)
            let namesakes = id.map { byKeyID[$0] ?? [] } ?? unnamed
            // The same key listed twice is one key, not two that could be meant.
            if let thumbprint = key.thumbprint,
                namesakes.contains(where: { $0.thumbprint == thumbprint && $0.algorithms == key.algorithms })
            {
                continue
            }
            distinct.append(key)
            if let id { byKeyID[id, default: []].append(key) } else { unnamed.append(key) }
        }
        self.keys = distinct
        self.faults = faults
        self.generation = generation
        self.byKeyID = byKeyID
        few = distinct.count > Self.fewKeys ? [] : byKeyID.compactMap { $1.count == 1 ? ($0.text, $1[0]) : nil }
    }

    package convenience init(_ set: JWKSet, generation: UInt64 = 0) {
        var keys: [VerificationKey] = []
        var faults: [(keyID: String?, fault: KeyFault)] = []
        for entry in set.entries {
            switch entry.key {
            case .success(let key): keys.append(key)
            case .failure(let fault): faults.append((entry.keyID, fault))
            }
        }
        self.init(keys: keys, faults: faults, generation: generation)
    }

    /// The same keys in objects of their own, where they are few: threads that judge by them meet at no reference count.
    package var copy: KeySnapshot {
        keys.count > Self.fewKeys ? self : KeySnapshot(keys: keys.map(\.copy), faults: faults, generation: generation)
    }

    /// The same keys without those of these names, under a generation of its own where it is another set that is known.
    package func removing(_ keyIDs: Set<ExactString>, generation: UInt64? = nil) -> KeySnapshot {
        KeySnapshot(
            keys: keys.filter { key in key.keyID.map { !keyIDs.contains(ExactString($0)) } ?? true },
            faults: faults,
            generation: generation ?? self.generation
        )
    }

    /// Whether an entry has this name, usable or not.
    func has(keyID: String) -> Bool {
        byKeyID[ExactString(keyID)] != nil || faults.contains { $0.keyID?.isExactly(keyID) == true }
    }

    /// The key of this name, where it is the only one.
    func onlyKey(named keyID: String) -> VerificationKey? {
        for known in few where known.keyID.isExactly(keyID) { return known.key }
        guard keys.count > Self.fewKeys, let keys = byKeyID[ExactString(keyID)], keys.count == 1 else { return nil }
        return keys.first
    }

    func keys(named keyID: String) -> [VerificationKey] { byKeyID[ExactString(keyID)] ?? [] }
}
