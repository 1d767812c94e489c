// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What clients may learn of an API before they have a token for it (RFC 9728).
///
/// Give it to a ``RequestGuard``: every challenge then names its address as `resource_metadata` (RFC 9728 §5.1), and the
/// server answers ``path`` with ``document``.
public struct ProtectedResource: Sendable, Hashable {
    /// The API's own identifier, an https URL.
    public let resource: String
    /// Where its metadata are: the well-known name stands between host and path of the resource (RFC 9728 §3.1).
    public let metadataURL: String
    /// The path of ``metadataURL``, for the route that answers it.
    public let path: String
    /// The metadata (RFC 9728 §2).
    public let document: JSONValue

    /// Describes an API.
    ///
    /// - Parameters:
    ///   - resource: the API's own identifier, an https URL without fragment.
    ///   - authorizationServers: issuers whose tokens it takes.
    ///   - scopes: what it knows, for clients to choose from.
    ///   - name: what people call it.
    ///   - documentation: a URL for developers.
    ///   - allowsLoopbackHTTP: whether the resource may be http on loopback, for development.
    /// - Throws: ``ConfigurationError`` when the resource is no such URL or could not stand in a challenge.
    public init(
        resource: String,
        authorizationServers: [String],
        scopes: [String] = [],
        name: String? = nil,
        documentation: String? = nil,
        allowsLoopbackHTTP: Bool = false
    ) throws(ConfigurationError) {
        let url = try ServiceURL(resource, allowsLoopbackHTTP: allowsLoopbackHTTP)
        guard Challenge.isQuotable(resource) else {
            throw ConfigurationError("a resource identifier with quotes or backslashes")
        }
        guard !url.hasQuery else { throw ConfigurationError("a resource identifier with a query") }
        self.resource = resource
        // RFC 9728 §3.1: a slash that ends the host is removed first.
        path = "/.well-known/oauth-protected-resource" + (url.path == "/" ? "" : url.path)
        metadataURL = url.origin + path
        var members: [(String, JSONValue)] = [
            ("resource", .string(resource)),
            ("authorization_servers", .array(authorizationServers.map { .string($0) })),
            ("bearer_methods_supported", ["header"]),
        ]
        if !scopes.isEmpty { members.append(("scopes_supported", .array(scopes.map { .string($0) }))) }
        if let name { members.append(("resource_name", .string(name))) }
        if let documentation { members.append(("resource_documentation", .string(documentation))) }
        document = .object(members)
    }
}
