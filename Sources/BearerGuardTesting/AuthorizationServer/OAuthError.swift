// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// What an OAuth endpoint answers to a request that it does not grant (RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core
/// §3.1.2.6; RFC 8707 §2).
struct OAuthError: Error, Equatable {
    enum Code: String {
        case accessDenied = "access_denied"
        case consentRequired = "consent_required"
        case invalidClient = "invalid_client"
        case invalidGrant = "invalid_grant"
        case invalidRequest = "invalid_request"
        case invalidScope = "invalid_scope"
        case invalidTarget = "invalid_target"
        case loginRequired = "login_required"
        case serverError = "server_error"
        case requestNotSupported = "request_not_supported"
        case requestURINotSupported = "request_uri_not_supported"
        case registrationNotSupported = "registration_not_supported"
        case unauthorizedClient = "unauthorized_client"
        case unsupportedGrantType = "unsupported_grant_type"
        case unsupportedResponseType = "unsupported_response_type"
    }

    let code: Code
    /// For developers: a text of our own, with nothing of the request in it.
    let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// The answer of an endpoint that clients ask directly.
    var response: AuthorizationServerResponse {
        let body: JSONValue = ["error": .string(code.rawValue), "error_description": .string(description)]
        guard code == .invalidClient else { return .json(body, status: code == .serverError ? 500 : 400) }
        return .json(body, status: 401).adding("WWW-Authenticate", "Basic realm=\"token\"")
    }

    /// The parameters of a redirect back to the client.
    var parameters: [(name: String, value: String)] {
        [("error", code.rawValue), ("error_description", description)]
    }
}
#endif
