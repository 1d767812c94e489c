// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Where a claim stands: a name, or names from the outermost object inwards.
public struct ClaimPath: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The member names, outermost first.
    public let names: [String]

    /// A path of member names; each is one name, whatever characters it holds (`https://example.com/roles`).
    public init(_ names: String...) { self.names = names }

    package init(names: [String]) { self.names = names }

    /// A claim of the outermost object.
    public init(stringLiteral value: String) { names = [value] }

    func value(in claims: JSONObject) -> JSONValue? {
        var current: JSONValue? = .object(claims)
        for name in names { current = current?.objectValue?[name] }
        return current
    }
}
