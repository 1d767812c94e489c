// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The tenants whose tokens a policy for many of them takes.
public enum AcceptedTenants: Sendable, Hashable {
    /// Every tenant there is: whoever has an account anywhere is let in, and your own checks must say whom you serve.
    case any
    /// These tenants, by their identifiers as `tid` has them.
    case listed(Set<String>)

    func contains(_ tenant: String) -> Bool {
        switch self {
        case .any: true
        case .listed(let tenants): tenants.contains { $0.isExactly(tenant) }
        }
    }
}

/// An issuer identifier with the place of a tenant in it, as Entra publishes for all tenants at once:
/// `https://login.microsoftonline.com/{tenantid}/v2.0`.
struct IssuerTemplate: Sendable, Hashable {
    static let placeholder = "{tenantid}"

    let text: String
    private let prefix: String
    private let suffix: String

    /// Nil for a text without exactly one place for a tenant.
    init?(_ text: String) {
        let parts = text.parts(around: Self.placeholder)
        guard parts.count == 2, let prefix = parts.first, let suffix = parts.last, prefix.hasSuffix("/") else {
            return nil
        }
        self.text = text
        self.prefix = prefix
        self.suffix = suffix
    }

    /// The tenant that an issuer names; nil where it does not have the form, or names none by an identifier.
    func tenant(of issuer: String) -> String? {
        let bytes = issuer.utf8
        guard bytes.count > prefix.utf8.count + suffix.utf8.count, bytes.starts(with: prefix.utf8),
            bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        let tenant = String(
            decoding: bytes.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count),
            as: UTF8.self
        )
        return Self.isIdentifier(tenant) ? tenant : nil
    }

    /// A UUID as Entra writes it: a name such as `common` is no tenant, and no slash gets through.
    static func isIdentifier(_ text: String) -> Bool {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return groups.map(\.count) == [8, 4, 4, 4, 12]
            && groups.joined().allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }

    /// The issuer that `text` means for a tenant: itself, or with its place filled.
    static func filled(_ text: String, with tenant: String) -> String {
        text.parts(around: placeholder, atMost: 2).joined(separator: tenant)
    }
}
