// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Why a key is not used.
///
/// The text is fixed and says nothing of the key but its kind.
package struct KeyFault: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Not a usable key at all.
        case invalid
        /// A key, but one that an attacker could sign for.
        case weak
        /// A good key for another purpose or algorithm.
        case unfit
    }

    package let kind: Kind
    package let detail: String

    package static func invalid(_ detail: String) -> KeyFault { KeyFault(kind: .invalid, detail: detail) }
    package static func weak(_ detail: String) -> KeyFault { KeyFault(kind: .weak, detail: detail) }
    package static func unfit(_ detail: String) -> KeyFault { KeyFault(kind: .unfit, detail: detail) }
}
