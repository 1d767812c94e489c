// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What is different between two key sets of one issuer, by `kid` and thumbprint.
package struct KeySetChanges: Sendable, Hashable {
    /// Key identifiers that are new, escaped.
    package let appeared: [String]
    /// Key identifiers that are gone, escaped: their tokens are refused from now on.
    package let vanished: [String]
    /// Key identifiers that name another key than before, escaped: an attack, or an issuer that breaks RFC 7517 §4.5.
    package let replaced: [String]
    /// Key identifiers whose key is the same and whose `alg` changed, escaped.
    package let algorithmChanged: [String]

    /// Whether nothing is different.
    package var isEmpty: Bool {
        appeared.isEmpty && vanished.isEmpty && replaced.isEmpty && algorithmChanged.isEmpty
    }

    package init(from old: KeySnapshot, to new: KeySnapshot) {
        let before = Self.byName(old)
        let after = Self.byName(new)
        func names(_ keys: [ExactString: [VerificationKey]], where isListed: (ExactString) -> Bool) -> [String] {
            keys.keys.filter(isListed).map(\.text.escapedForLogs).sorted()
        }
        func thumbprints(_ keys: [VerificationKey]?) -> Set<String> { Set((keys ?? []).compactMap(\.thumbprint)) }
        func algorithms(_ keys: [VerificationKey]?) -> Set<String> {
            Set((keys ?? []).map { $0.declaredAlgorithm?.rawValue ?? "" })
        }
        appeared = names(after) { before[$0] == nil }
        vanished = names(before) { after[$0] == nil }
        replaced = names(after) { before[$0] != nil && thumbprints(before[$0]) != thumbprints(after[$0]) }
        algorithmChanged = names(after) {
            before[$0] != nil && thumbprints(before[$0]) == thumbprints(after[$0])
                && algorithms(before[$0]) != algorithms(after[$0])
        }
    }

    /// Keys by `kid`; one without is its own thumbprint's.
    private static func byName(_ snapshot: KeySnapshot) -> [ExactString: [VerificationKey]] {
        Dictionary(grouping: snapshot.keys) { ExactString($0.keyID ?? $0.thumbprint ?? "") }
    }
}
