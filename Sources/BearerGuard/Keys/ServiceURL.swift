// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The few things that must hold of a URL before BearerGuard asks an adapter to fetch it.
package struct ServiceURL: Sendable, Hashable {
    package let text: String
    /// Scheme and authority.
    package let origin: String
    /// Path with its leading slash, without the query; empty for none.
    package let path: String
    package let host: String
    /// Whether there is a query, as Azure AD B2C has it in its addresses and no issuer identifier has.
    package let hasQuery: Bool

    /// Checks `text`: https, or http to loopback where `allowsLoopbackHTTP` says so; no user info, fragment, space or
    /// control character; no link-local or cloud-metadata address.
    package init(_ text: String, allowsLoopbackHTTP: Bool) throws(ConfigurationError) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.contains("#"), !text.contains("\\") else {
            throw ConfigurationError("a URL with a space, a backslash, a fragment or a character beyond ASCII")
        }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { throw ConfigurationError("a URL that is not https") }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw ConfigurationError("a URL with user information") }
        let host: Substring
        if authority.hasPrefix("[") {
            host = authority.dropFirst().prefix { $0 != "]" }
        } else {
            host = authority.prefix { $0 != ":" }
        }
        guard !host.isEmpty else { throw ConfigurationError("a URL without a host") }
        if !isSecure, !(allowsLoopbackHTTP && Self.isLoopback(host)) {
            throw ConfigurationError("a URL that is not https (http is possible to loopback alone, by an option)")
        }
        if ForbiddenAddress.contains(String(host)) {
            throw ConfigurationError("a URL of a link-local or cloud-metadata address")
        }
        self.text = text
        self.origin = String(text.dropLast(rest.count - authority.count))
        self.path = String(rest.dropFirst(authority.count).prefix { $0 != "?" })
        self.hasQuery = rest.contains("?")
        self.host = host.lowercased()
    }

    private static func isLoopback(_ host: Substring) -> Bool {
        host == "127.0.0.1" || host == "::1" || host.lowercased() == "localhost"
    }
}
