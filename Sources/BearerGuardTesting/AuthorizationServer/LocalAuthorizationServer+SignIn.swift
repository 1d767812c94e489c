// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
public import BearerGuard
import Synchronization

extension LocalAuthorizationServer {
    /// What a client gets for a user.
    public struct Tokens: Sendable {
        /// What the API wants.
        public let accessToken: String
        /// Who signed in, for the client; nil without the scope `openid`.
        public let idToken: String?
        /// For new tokens; nil without the scope `offline_access`.
        public let refreshToken: String?
    }

    /// The tokens that a client gets when a user signs in and consents, without the pages in between.
    ///
    /// - Parameters:
    ///   - username: who signs in.
    ///   - clientID: the client.
    ///   - scopes: what it asks for.
    /// - Throws: ``ConfigurationError`` for a user, client or scope that the server does not know.
    public func signIn(
        _ username: String,
        to clientID: String,
        scopes: [String]
    ) throws(ConfigurationError) -> Tokens {
        try engine.signIn(username, to: clientID, scopes: scopes)
    }
}

extension AuthorizationServerEngine {
    package func signIn(
        _ username: String,
        to clientID: String,
        scopes: [String]
    ) throws(ConfigurationError) -> LocalAuthorizationServer.Tokens {
        try state.withLock { state throws(ConfigurationError) in
            guard let client = state.clients[clientID] else { throw ConfigurationError("no client of this name") }
            guard state.users[username] != nil else { throw ConfigurationError("no user of this name") }
            do throws(OAuthError) {
                _ = try AuthorizationRequest.scopes(scopes.joined(separator: " "), client, configuration)
            } catch {
                throw ConfigurationError(error.description)
            }
            let grant = GrantStore.Grant(
                clientID: clientID,
                username: username,
                scopes: scopes,
                audience: Array(configuration.audiences.prefix(1)),
                nonce: nil,
                authenticatedAt: now,
                sessionID: RandomText.make()
            )
            let members: [String: JSONValue]
            do throws(OAuthError) {
                members = Dictionary(try issue(state.grants.add(grant), client, &state)) { $1 }
            } catch {
                throw ConfigurationError(error.description)
            }
            return LocalAuthorizationServer.Tokens(
                accessToken: members["access_token"]?.stringValue ?? "",
                idToken: members["id_token"]?.stringValue,
                refreshToken: members["refresh_token"]?.stringValue
            )
        }
    }
}
#endif
