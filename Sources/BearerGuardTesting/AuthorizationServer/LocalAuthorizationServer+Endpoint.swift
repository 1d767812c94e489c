// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
extension LocalAuthorizationServer {
    /// What the server answers at, by the path that follows the issuer's.
    public enum Endpoint: String, Sendable, CaseIterable {
        /// A page that says what there is.
        case home = "/"
        /// OpenID Connect Discovery.
        case openIDMetadata = "/.well-known/openid-configuration"
        /// RFC 8414.
        case oauthMetadata = "/.well-known/oauth-authorization-server"
        /// The key set (RFC 7517).
        case keySet = "/jwks"
        /// Where a browser is sent for a code (RFC 6749 §3.1).
        case authorization = "/authorize"
        /// Takes the sign-in page's form.
        case signIn = "/sign-in"
        /// The page on which people register themselves, and its form.
        case signUp = "/sign-up"
        /// Takes the consent page's form.
        case consent = "/consent"
        /// Goes on with a request for a code.
        case resumption = "/resume"
        /// Where clients get tokens (RFC 6749 §3.2).
        case token = "/token"
        /// What a user's token tells of the user (OpenID Connect Core §5.3).
        case userinfo = "/userinfo"
        /// Whether a token is good (RFC 7662).
        case introspection = "/introspect"
        /// Withdraws a token (RFC 7009).
        case revocation = "/revoke"
        /// Signs a user out (OpenID Connect RP-Initiated Logout).
        case logout = "/logout"

        var methods: [String] {
            switch self {
            case .home, .openIDMetadata, .oauthMetadata, .keySet, .resumption: ["GET"]
            case .authorization, .signUp, .userinfo, .logout: ["GET", "POST"]
            case .signIn, .consent, .token, .introspection, .revocation: ["POST"]
            }
        }
    }
}
#endif
