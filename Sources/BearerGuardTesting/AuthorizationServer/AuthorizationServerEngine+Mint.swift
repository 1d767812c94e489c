// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

extension AuthorizationServerEngine {
    /// What a minted token is to be.
    package struct Minting {
        package var scopes: [String] = []
        package var clientID = "client-1"
        /// Nil for a token of the client alone.
        package var user: LocalAuthorizationServer.User?
        /// Seconds from now to `exp`.
        package var lifetime: Int64
        /// Claims to set, or with a nil value to leave out.
        var claims: [String: JSONValue?] = [:]
        /// Header members to set, or with a nil value to leave out.
        var header: [String: JSONValue?] = [:]
        var algorithm: SignatureAlgorithm?
        package var flaw: TestIssuer.Flaw?

        package init(lifetime: Int64) { self.lifetime = lifetime }
    }

    /// A token in the shape of this server's own, with whatever is to be different or wrong.
    package func mint(_ minting: Minting) -> String {
        let shape = configuration.accessTokens
        let grant = AccessTokenShape.Grant(
            clientID: minting.clientID,
            user: minting.user,
            scopes: minting.scopes,
            audience: Array(configuration.audiences.prefix(1)),
            authenticatedAt: now,
            sessionID: RandomText.make()
        )
        // What the test issuer states by itself and this shape does not is left out.
        var changes: [String: JSONValue?] = ["sub": nil, "aud": nil, "client_id": nil, "jti": nil, "scope": nil]
        changes.merge(shape.claims(of: grant, tokenID: RandomText.make()).mapValues { $0 }) { $1 }
        changes.merge(minting.claims) { $1 }
        let header = ["typ": shape.accessTokenType.map { .string($0) }].merging(minting.header) { $1 }
        if let flaw = minting.flaw {
            return keys.token(with: flaw, scopes: minting.scopes, changes: changes, header: header)
        }
        return keys.token(
            scopes: minting.scopes,
            lifetime: minting.lifetime,
            changes: changes,
            header: header,
            algorithm: minting.algorithm
        )
    }
}
#endif
