// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One `WWW-Authenticate` challenge of the Bearer scheme (RFC 6750 §3).
///
/// Every text in it is fixed or configured; nothing of a token gets here.
public struct Challenge: Sendable, Hashable, CustomStringConvertible {
    /// The protection space.
    public let realm: String
    /// `error`; nil for the bare challenge of a request without credentials.
    public let error: String?
    /// `error_description`, from a fixed catalogue.
    public let errorDescription: String?
    /// `scope`: what would do.
    public let scopes: [String]
    /// `resource_metadata`: where clients learn how to get a token (RFC 9728 §5.1).
    public let resourceMetadata: String?

    init(realm: String, code: RejectionCode, scopes: [String], resourceMetadata: String? = nil) {
        self.realm = realm
        self.resourceMetadata = resourceMetadata
        self.error = code.oauthError
        // RFC 6750 §3.1: without authentication information, no error code or other error information.
        self.errorDescription = code.oauthError == nil ? nil : code.challengeDescription
        self.scopes = code == .insufficientScope ? scopes : []
    }

    /// The value of a `WWW-Authenticate` field.
    public var headerValue: String {
        var parameters = ["realm=\"\(realm)\""]
        if let error { parameters.append("error=\"\(error)\"") }
        if let errorDescription { parameters.append("error_description=\"\(errorDescription)\"") }
        if !scopes.isEmpty { parameters.append("scope=\"\(scopes.joined(separator: " "))\"") }
        if let resourceMetadata { parameters.append("resource_metadata=\"\(resourceMetadata)\"") }
        return "Bearer " + parameters.joined(separator: ", ")
    }

    /// The header value.
    public var description: String { headerValue }

    /// Whether `text` can stand in a quoted string without escapes.
    static func isQuotable(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
    }
}
