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

        /// A year, in seconds.
        static let maximumLifetime: Int64 = 31_536_000

        /// The scopes of the API alone.
        var apiScopes: [String] { scopes.filter { !Self.openIDScopes.containsExactly($0) } }

        /// Scopes that every client may ask for (OpenID Connect Core §5.4, §11); of addresses and telephones nothing is
        /// known here.
        static let openIDScopes = ["openid", "profile", "email", "address", "phone", "offline_access"]

        /// What must be put right before a server can start.
        func check() throws(ConfigurationError) {
            guard !audiences.isEmpty, !audiences.contains("") else {
                throw ConfigurationError("audiences is empty: name what access tokens carry in 'aud'")
            }
            guard !algorithms.isEmpty, !algorithms.contains(where: \.isSymmetric) else {
                throw ConfigurationError("algorithms must be signatures, and at least one")
            }
            for scope in scopes + clients.flatMap({ $0.scopes ?? [] }) where !Scopes.isScope(scope) {
                throw ConfigurationError("'\(scope.escapedForLogs)' is no scope: printable ASCII without spaces")
            }
            for lifetime in [tokenLifetime, codeLifetime, refreshTokenLifetime]
            where !(1...Self.maximumLifetime).contains(lifetime) {
                throw ConfigurationError("a lifetime must be from 1 second to a year")
            }
            for (index, client) in clients.enumerated() {
                if let flaw = flaw(of: client, index) {
                    throw ConfigurationError("client '\(client.clientID.escapedForLogs)': \(flaw)")
                }
            }
            for (index, user) in users.enumerated()
            where users[..<index].contains(where: { $0.username.isExactly(user.username) }) {
                throw ConfigurationError("user '\(user.username.escapedForLogs)': the same name occurs twice")
            }
        }

        /// What would make a client fail much later; nil for nothing.
        private func flaw(of client: Client, _ index: Int) -> String? {
            if clients[..<index].contains(where: { $0.clientID.isExactly(client.clientID) }) {
                return "the same client_id occurs twice"
            }
            for uri in client.redirectURIs + client.postLogoutRedirectURIs where !Self.isRedirectURI(uri) {
                return "'\(uri.escapedForLogs)' is no redirect URI: absolute, with its scheme, of printable ASCII, "
                    + "without a fragment and without '*', as it is compared to the letter"
            }
            if client.grantTypes.contains(.authorizationCode), client.redirectURIs.isEmpty {
                return "it may ask for codes but has no redirect URI that they could be sent to"
            }
            if client.grantTypes.contains(.clientCredentials), client.isPublic {
                return "client_credentials needs a secret or a key set: a public client has no credentials"
            }
            return nil
        }

        /// Whether it is an absolute URI without a fragment (RFC 6749 §3.1.2), that can stand in a header field.
        private static func isRedirectURI(_ text: String) -> Bool {
            guard let colon = text.firstIndex(of: ":"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return false
            }
            let scheme = text[..<colon].lowercased()
            // After `localhost:` a port follows: a host without its scheme, the most common mistake of all.
            guard let next = text[colon...].dropFirst().first, !next.isNumber else { return false }
            return scheme.first?.isLetter == true
                && scheme.allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
                && !["javascript", "data", "vbscript"].contains(scheme)
                && !text.contains("#") && !text.contains("*")
        }
    }
}
#endif
