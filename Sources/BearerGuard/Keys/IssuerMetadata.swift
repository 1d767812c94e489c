// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What an authorization server says of itself (OpenID Connect Discovery §3, RFC 8414 §2), as far as keys need it.
package struct IssuerMetadata: Sendable, Hashable {
    package let jwksURL: ServiceURL

    /// Reads metadata that was fetched for `issuer`.
    ///
    /// The `issuer` in it must be the configured one to the last character (RFC 8414 §3.3): otherwise one tenant could
    /// answer for another.
    package init(_ text: [UInt8], issuer: String, allowsLoopbackHTTP: Bool) throws(ConfigurationError) {
        let object: JSONObject
        do {
            object = try JSONDocument.object(text, limits: .keySet)
        } catch {
            throw ConfigurationError("issuer metadata is \(error.detail)")
        }
        guard object["issuer"]?.stringValue?.isExactly(issuer) == true else {
            throw ConfigurationError("issuer metadata names another issuer")
        }
        guard let text = object["jwks_uri"]?.stringValue else {
            throw ConfigurationError("issuer metadata has no jwks_uri")
        }
        jwksURL = try ServiceURL(text, allowsLoopbackHTTP: allowsLoopbackHTTP)
    }

    /// Where metadata of `issuer` may be, in the order of trying: OpenID Connect appends, RFC 8414 §3.1 inserts.
    package static func locations(of issuer: ServiceURL) -> [String] {
        let path = issuer.path.hasSuffix("/") ? String(issuer.path.dropLast()) : issuer.path
        return [
            issuer.origin + path + "/.well-known/openid-configuration",
            issuer.origin + "/.well-known/oauth-authorization-server" + path,
        ]
    }
}
