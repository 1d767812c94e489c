// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

/// What the gateway asks of requests to some hosts, paths and methods.
package final class AccessRule: Sendable {
    /// What is asked.
    package enum Access: Sendable {
        /// Nothing: no token is looked at.
        case open
        /// No token, or a good one that meets the requirement.
        case optional(Requirement)
        /// A good token that meets the requirement.
        case required(Requirement)
        /// What nobody can show.
        case denied

        package var name: String {
            switch self {
            case .open: "public"
            case .optional: "optional"
            case .required: "required"
            case .denied: "denied"
            }
        }
    }

    /// Where it stands in the configuration, as in `gateway.rules[2]`.
    package let place: String
    /// Nil for every host.
    package let host: HostPattern?
    package let path: PathPattern
    /// In capitals; nil for every method.
    package let methods: Set<String>?
    package let access: Access

    /// A rule.
    package init(
        place: String,
        host: HostPattern? = nil,
        path: PathPattern,
        methods: Set<String>? = nil,
        access: Access
    ) {
        self.place = place
        self.host = host
        self.path = path
        self.methods = methods
        self.access = access
    }

    /// Whether it is about this request.
    package func matches(_ request: OriginalRequest) -> Bool {
        if let methods, !methods.contains(request.method) {
            // A GET whose body is not wanted (RFC 9110 §9.3.2).
            guard request.method == "HEAD", methods.contains("GET") else { return false }
        }
        if let host {
            guard let requested = request.host, host.matches(requested) else { return false }
        }
        return path.matches(request.target)
    }

    /// Whether every request that `other` is about is one of its own.
    func covers(_ other: AccessRule) -> Bool {
        if let methods {
            guard let others = other.methods, others.subtracting(["HEAD"]).isSubset(of: methods),
                !others.contains("HEAD") || methods.contains("HEAD") || methods.contains("GET")
            else { return false }
        }
        if let host {
            guard let others = other.host, host.covers(others) else { return false }
        }
        return path.covers(other.path)
    }

    /// Whether some request is one of both.
    func overlaps(_ other: AccessRule) -> Bool {
        if let methods, let others = other.methods, methods.isDisjoint(with: others) { return false }
        if let host, let others = other.host, !host.overlaps(others) { return false }
        return path.overlaps(other.path)
    }

    /// The rule in one line, for people.
    package var summary: String {
        let methods = methods.map { $0.sorted().joined(separator: ",") } ?? "any method"
        return "\(methods) \(host.map(\.description) ?? "any host") \(path) -> \(access.name)"
    }
}

/// The rules in their order: the first that is about a request holds, and where none is, nobody passes.
package struct AccessRules: Sendable {
    package let rules: [AccessRule]

    package init(_ rules: [AccessRule]) { self.rules = rules }

    /// The rule that holds for a request.
    package func rule(for request: OriginalRequest) -> AccessRule? { rules.first { $0.matches(request) } }

    /// What looks like a mistake in rules that are each well-formed.
    package var warnings: [PolicyDocument.Fault] {
        var warnings: [(String, String)] = []
        var reached: [AccessRule] = []
        for rule in rules {
            if let earlier = reached.first(where: { $0.covers(rule) }) {
                warnings.append((rule.place, "is never reached: \(earlier.place) (\(earlier.path)) comes first"))
                continue
            }
            defer { reached.append(rule) }
            for earlier in reached where earlier.overlaps(rule) && earlier.access.isOpener(than: rule.access) {
                warnings.append(
                    (
                        rule.place,
                        "is weakened by \(earlier.place), which lets some of its requests pass as \(earlier.access.name)"
                    )
                )
            }
            warnings += risks(of: rule).map { (rule.place, $0) }
        }
        if rules.isEmpty { warnings.append(("gateway.rules", "there is none, so every request is refused")) }
        return warnings.map { PolicyDocument.Fault(path: $0.0, line: nil, message: $0.1) }
    }

    private func risks(of rule: AccessRule) -> [String] {
        var risks: [String] = []
        let isForAll = rule.path.parts == [.rest]
        let unsafeMethods = rule.methods.map { $0.subtracting(["GET", "HEAD", "OPTIONS"]) }
        switch rule.access {
        case .open, .optional:
            if isForAll { risks.append("lets every path pass without a token") }
            if unsafeMethods?.isEmpty != true, rule.access.name == "public" {
                risks.append("is public for methods that change things; name methods: [GET]")
            }
        case .required, .denied: break
        }
        if rule.host == nil, rules.contains(where: { $0.host != nil }), isForAll {
            risks.append("is for every host, also those that no rule names")
        }
        return risks
    }
}

extension AccessRule.Access {
    fileprivate func isOpener(than other: AccessRule.Access) -> Bool {
        func rank(_ access: AccessRule.Access) -> Int {
            switch access {
            case .open: 3
            case .optional: 2
            case .required: 1
            case .denied: 0
            }
        }
        return rank(self) >= 2 && rank(self) > rank(other)
    }
}
#endif
