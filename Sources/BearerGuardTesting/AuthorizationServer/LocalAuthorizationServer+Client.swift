// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
public import BearerGuard

extension LocalAuthorizationServer {
    /// An application that may ask for tokens (RFC 6749 §2).
    public struct Client: Sendable {
        /// How it proves at the token endpoint that it is itself.
        public enum Authentication: Sendable {
            /// Not at all: a public client, which must use PKCE.
            case none
            /// By a secret, in the `Authorization` field or in the form (`client_secret_basic`, `client_secret_post`).
            case secret(String)
            /// By a signed assertion, checked with these keys (`private_key_jwt`, RFC 7523).
            case privateKey(JWKSet)
        }

        /// What it may present for tokens.
        public enum GrantType: String, Sendable, CaseIterable {
            /// A code that a user's browser brought (RFC 6749 §4.1).
            case authorizationCode = "authorization_code"
            /// A refresh token (RFC 6749 §6).
            case refreshToken = "refresh_token"
            /// Itself alone (RFC 6749 §4.4).
            case clientCredentials = "client_credentials"
        }

        /// `client_id`.
        public let clientID: String
        /// How it authenticates.
        public var authentication: Authentication
        /// Where codes may be sent, compared to the letter.
        public var redirectURIs: [String]
        /// Where a browser may be sent after signing out, compared to the letter.
        public var postLogoutRedirectURIs: [String] = []
        /// What it may present for tokens.
        public var grantTypes: Set<GrantType>
        /// The scopes that it may ask for; nil for all.
        public var scopes: [String]?
        /// What the consent page calls it; its `client_id` unless given.
        public var name: String?
        /// Whether users are asked before it gets tokens.
        public var needsConsent = true

        /// A client.
        ///
        /// - Parameters:
        ///   - clientID: `client_id`.
        ///   - authentication: how it authenticates.
        ///   - redirectURIs: where codes may be sent.
        ///   - grantTypes: what it may present for tokens; codes and refresh tokens unless given.
        public init(
            _ clientID: String,
            authentication: Authentication,
            redirectURIs: [String] = [],
            grantTypes: Set<GrantType> = [.authorizationCode, .refreshToken]
        ) {
            self.clientID = clientID
            self.authentication = authentication
            self.redirectURIs = redirectURIs
            self.grantTypes = grantTypes
        }

        var isPublic: Bool { if case .none = authentication { true } else { false } }
    }

    /// Somebody who signs in.
    public struct User: Sendable {
        /// The name to sign in by.
        public let username: String
        /// The password, in the clear: this server keeps nobody's secrets.
        public var password: String
        /// `sub` of the user's tokens; made of the user name unless given.
        public var subject: String
        /// The user's full name.
        public var name: String?
        /// The user's address.
        public var email: String?
        /// Roles or groups, which tokens carry where the shape of ``AccessTokenShape`` has them.
        public var roles: [String] = []

        /// A user.
        ///
        /// - Parameters:
        ///   - username: the name to sign in by.
        ///   - password: the password.
        public init(_ username: String, password: String) {
            self.username = username
            self.password = password
            subject = "user-\(username)"
        }
    }
}
#endif
