// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What a route demands beyond a valid token.
///
/// ```swift
/// let requirement: Requirement = .scopes("orders:read").and(.anyRole("clerk", "manager"))
/// ```
public struct Requirement: Sendable {
    private indirect enum Node: Sendable {
        case authenticated
        case allScopes([String])
        case anyScope([String])
        case allRoles([String])
        case anyRole([String])
        case claims(@Sendable (AccessToken) -> Bool)
        case freshKeys(Duration)
        case and(Node, Node)
        case or(Node, Node)
        case not(Node)
    }

    private let node: Node
    /// The scopes, where having all of them is all that is demanded, as of most routes: here and not in a node, so that
    /// threads do not meet at its reference count.
    private let onlyScopes: [String]?
    /// The age of keys that is demanded whatever else holds; nil for none.
    let maximumKeyAge: Duration?

    private init(_ node: Node) {
        self.node = node
        onlyScopes = if case .allScopes(let scopes) = node { scopes } else { nil }
        maximumKeyAge = Self.maximumKeyAge(node)
    }

    /// A valid token and nothing more.
    public static let authenticated = Requirement(.authenticated)

    /// All of these scopes.
    public static func scopes(_ scopes: String...) -> Requirement { .scopes(scopes) }

    /// All of these scopes.
    public static func scopes(_ scopes: [String]) -> Requirement { Requirement(.allScopes(scopes)) }

    /// At least one of these scopes; none given is never met.
    public static func anyScope(_ scopes: String...) -> Requirement { .anyScope(scopes) }

    /// At least one of these scopes; none given is never met.
    public static func anyScope(_ scopes: [String]) -> Requirement { Requirement(.anyScope(scopes)) }

    /// All of these roles, read at the paths that the issuer's policy names.
    public static func roles(_ roles: String...) -> Requirement { .roles(roles) }

    /// All of these roles, read at the paths that the issuer's policy names.
    public static func roles(_ roles: [String]) -> Requirement { Requirement(.allRoles(roles)) }

    /// At least one of these roles; none given is never met.
    public static func anyRole(_ roles: String...) -> Requirement { .anyRole(roles) }

    /// At least one of these roles; none given is never met.
    public static func anyRole(_ roles: [String]) -> Requirement { Requirement(.anyRole(roles)) }

    /// A claim with exactly this value.
    public static func claim(_ path: ClaimPath, equals value: JSONValue) -> Requirement {
        .token { $0.claims[path] == value }
    }

    /// Keys that the issuer confirmed within `age`: for routes where a key withdrawn a while ago must not count.
    ///
    /// Older keys are refreshed first; where that fails the answer is 503, as nothing is wrong with the token. In an
    /// alternative or a negation it is a plain condition.
    public static func freshKeys(within age: Duration) -> Requirement { Requirement(.freshKeys(age)) }

    /// A predicate of your own on the verified token; must be quick and pure.
    public static func token(_ predicate: @escaping @Sendable (AccessToken) -> Bool) -> Requirement {
        Requirement(.claims(predicate))
    }

    /// Both requirements.
    public func and(_ other: Requirement) -> Requirement { Requirement(.and(node, other.node)) }

    /// Either requirement.
    public func or(_ other: Requirement) -> Requirement { Requirement(.or(node, other.node)) }

    /// The opposite of a requirement; the token itself must still be valid.
    public static func not(_ other: Requirement) -> Requirement { Requirement(.not(other.node)) }

    /// Whether `token` meets it.
    public func isMet(by token: AccessToken) -> Bool {
        guard let onlyScopes else { return Self.isMet(node, token) }
        let scopes = onlyScopes.span
        for index in scopes.indices where !token.grants(scopes[index]) { return false }
        return true
    }

    private static func isMet(_ node: Node, _ token: AccessToken) -> Bool {
        switch node {
        case .authenticated: return true
        case .allScopes(let scopes): return scopes.allSatisfy { token.grants($0) }
        case .anyScope(let scopes): return scopes.contains { token.grants($0) }
        case .allRoles(let roles): return roles.allSatisfy(token.roles.containsExactly)
        case .anyRole(let roles): return roles.contains(where: token.roles.containsExactly)
        case .claims(let predicate): return predicate(token)
        case .freshKeys(let age): return token.keyAge <= age
        case .and(let left, let right): return isMet(left, token) && isMet(right, token)
        case .or(let left, let right): return isMet(left, token) || isMet(right, token)
        case .not(let inner): return !isMet(inner, token)
        }
    }

    /// Whether every valid token meets it.
    package var isOpen: Bool { if case .authenticated = node { true } else { false } }

    private static func maximumKeyAge(_ node: Node) -> Duration? {
        switch node {
        case .freshKeys(let age): age
        case .and(let left, let right): [maximumKeyAge(left), maximumKeyAge(right)].compactMap(\.self).min()
        case .authenticated, .allScopes, .anyScope, .allRoles, .anyRole, .claims, .or, .not: nil
        }
    }

    /// The scopes to name in a challenge (RFC 6750 §3): those that would do, the first alternative where there are
    /// several.
    ///
    /// Texts that are no scopes are left out, so that configuration cannot break the header.
    var challengeScopes: [String] {
        var seen: Set<ExactString> = []
        return Self.scopes(of: node).filter { Scopes.isScope($0) && seen.insert(ExactString($0)).inserted }
    }

    private static func scopes(of node: Node) -> [String] {
        switch node {
        case .authenticated, .allRoles, .anyRole, .claims, .freshKeys, .not: []
        case .allScopes(let scopes): scopes
        case .anyScope(let scopes): Array(scopes.prefix(1))
        case .and(let left, let right): scopes(of: left) + scopes(of: right)
        case .or(let left, _): scopes(of: left)
        }
    }
}
