// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

/// Requests by scripts of other origins (Fetch §3.2): a single-page application asks from where its codes are sent to.
extension AuthorizationServerEngine {
    /// The origin that may read an answer; nil where none is named, or it may not.
    func allowedOrigin(
        of request: AuthorizationServerRequest,
        at endpoint: LocalAuthorizationServer.Endpoint
    ) -> String? {
        guard let origin = request.value("origin") else { return nil }
        switch endpoint {
        case .openIDMetadata, .oauthMetadata, .keySet: return "*"
        case .token, .userinfo, .revocation:
            let registered = state.withLock { $0.clients.values.flatMap(\.redirectURIs) }
            return registered.contains { $0.hasPrefix(origin + "/") } ? origin : nil
        case .home, .authorization, .signIn, .signUp, .consent, .resumption, .introspection, .logout: return nil
        }
    }

    static func sharing(_ response: AuthorizationServerResponse, with origin: String) -> AuthorizationServerResponse {
        let shared = response.adding("Access-Control-Allow-Origin", origin)
        return origin == "*" ? shared : shared.adding("Vary", "Origin")
    }

    /// The answer to a browser that asks before it sends the request itself.
    static func preflight(
        _ endpoint: LocalAuthorizationServer.Endpoint,
        _ origin: String
    ) -> AuthorizationServerResponse {
        let allowed = AuthorizationServerResponse.status(
            204,
            fields: [
                ("Access-Control-Allow-Methods", endpoint.methods.joined(separator: ", ")),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type"), ("Access-Control-Max-Age", "600"),
            ]
        )
        return sharing(allowed, with: origin)
    }
}
#endif
