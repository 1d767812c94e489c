// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Which key a token means, by `kid` and algorithm, never by default (RFC 8725 §3.5; RFC 7515 §4.1.4).
package enum KeySelection {
    /// The key that was meant.
    case one(VerificationKey)
    /// Keys to try: one for a `kid`, at most four without.
    case candidates([VerificationKey])
    /// The set has no such key.
    case unknown
    /// Several keys could be meant.
    case ambiguous
    /// The key is there, for another algorithm.
    case mismatch
    /// The key is there and must not be used.
    case faulty(KeyFault)

    /// Keys tried for a token without `kid`; more would make one token cost many verifications.
    package static let maximumCandidates = 4

    /// The choice of a token.
    ///
    /// No initialiser, as that would count references to the name.
    package static func choose(
        keyID: String?,
        algorithm: SignatureAlgorithm,
        in snapshot: KeySnapshot
    ) -> KeySelection {
        // The one key of its name, which nearly every token means.
        if let keyID, let key = snapshot.onlyKey(named: keyID), key.serves(algorithm) { return .one(key) }
        let named = keyID.map(snapshot.keys(named:)) ?? snapshot.keys
        let fitting = named.filter { $0.serves(algorithm) }
        if fitting.count > (keyID == nil ? maximumCandidates : 1) { return .ambiguous }
        return fitting.isEmpty ? explain(keyID: keyID, named: named, snapshot) : .candidates(fitting)
    }

    private static func explain(keyID: String?, named: [VerificationKey], _ snapshot: KeySnapshot) -> KeySelection {
        if let keyID {
            if !named.isEmpty { return .mismatch }
            let fault = snapshot.faults.first { $0.keyID?.isExactly(keyID) == true }?.fault
            guard let fault else { return .unknown }
            return fault.kind == .unfit ? .mismatch : .faulty(fault)
        }
        // Without a kid only a set of one leaves no doubt which key was meant.
        guard snapshot.keys.count + snapshot.faults.count == 1 else { return .unknown }
        guard let fault = snapshot.faults.first?.fault, fault.kind != .unfit else { return .mismatch }
        return .faulty(fault)
    }
}
