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

    package init(
        keys: [VerificationKey],
        faults: [(keyID: String?, fault: KeyFault)] = [],
        generation: UInt64 = 0
    ) {
        var byKeyID: [ExactString: [VerificationKey]] = [:]
        for key in keys {
            guard let keyID = key.keyID else { continue }
            let id = ExactString(keyID)
            // The same key listed twice is one key, not two that could be meant.
            if let thumbprint = key.thumbprint, let known = byKeyID[id],
                known.contains(where: { $0.thumbprint == thumbprint && $0.algorithms == key.algorithms })
            {
                continue
            }
            byKeyID[id, default: []].append(key)
        }
        self.keys = keys
        self.faults = faults
        self.generation = generation
        self.byKeyID = byKeyID
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

    func keys(named keyID: String) -> [VerificationKey] { byKeyID[ExactString(keyID)] ?? [] }
}
