// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
public import BearerGuard

extension LocalAuthorizationServer {
    /// What a server knows when it starts.
    public struct Configuration: Sendable {
        /// The applications.
        public var clients: [Client] = []
        /// The people.
        public var users: [User] = []
        /// `aud` of access tokens, the first one unless a client names another as `resource` (RFC 8707).
        public var audiences = ["https://api.test"]
        /// The scopes of the API, beside those of OpenID Connect.
        public var scopes = ["read", "write"]
        /// How access tokens look.
        public var accessTokens = AccessTokenShape.rfc9068
        /// What it has keys for; the first signs.
        public var algorithms: [SignatureAlgorithm] = [.rs256]
        /// Seconds until an access or ID token ends.
        public var tokenLifetime: Int64 = 300
        /// Seconds until a code ends.
        public var codeLifetime: Int64 = 60
        /// Seconds until a refresh token ends.
        public var refreshTokenLifetime: Int64 = 86_400
        /// Whether people may register themselves.
        public var allowsRegistration = true
        /// `Cache-Control` of the key set.
        public var keySetCacheControl = "max-age=300"

        /// A server without clients and users, whose API is `https://api.test`.
        public init() {}

        /// Scopes that every client may ask for (OpenID Connect Core §5.4, §11).
        static let openIDScopes = ["openid", "profile", "email", "offline_access"]

        /// What must be put right before a server can start.
        func check() throws(ConfigurationError) {
            guard !audiences.isEmpty, !audiences.contains("") else {
                throw ConfigurationError("audiences is empty: name what access tokens carry in 'aud'")
            }
            guard !algorithms.isEmpty, !algorithms.contains(where: \.isSymmetric) else {
                throw ConfigurationError("algorithms must be signatures, and at least one")
            }
            for scope in scopes where !Scopes.isScope(scope) {
                throw ConfigurationError("'\(scope.escapedForLogs)' is no scope: printable ASCII without spaces")
            }
            for lifetime in [tokenLifetime, codeLifetime, refreshTokenLifetime] where lifetime < 1 {
                throw ConfigurationError("a lifetime must be at least 1 second")
            }
            for client in clients {
                for uri in client.redirectURIs + client.postLogoutRedirectURIs where !Self.isRedirectURI(uri) {
                    throw ConfigurationError(
                        "client '\(client.clientID.escapedForLogs)': a redirect URI must be absolute, of printable ASCII, and without a fragment"
                    )
                }
            }
        }

        /// Whether it is an absolute URI without a fragment (RFC 6749 §3.1.2), that can stand in a header field.
        private static func isRedirectURI(_ text: String) -> Bool {
            guard let colon = text.firstIndex(of: ":"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return false
            }
            let scheme = text[..<colon]
            return !text.contains("#") && scheme.first?.isLetter == true
                && !["javascript", "data", "vbscript"].contains(scheme.lowercased())
                && text.index(after: colon) < text.endIndex
        }
    }
}
#endif
