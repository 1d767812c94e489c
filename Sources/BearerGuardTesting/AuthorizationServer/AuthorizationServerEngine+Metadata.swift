// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

extension AuthorizationServerEngine {
    /// What clients read before they ask (OpenID Connect Discovery §3, RFC 8414 §2).
    var metadata: JSONValue {
        func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        func url(_ endpoint: LocalAuthorizationServer.Endpoint) -> JSONValue { .string(self.url(endpoint)) }
        let signatures = SignatureAlgorithm.allCases.filter { !$0.isSymmetric }.map(\.rawValue)
        let confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
        return [
            "issuer": .string(issuer),
            "authorization_endpoint": url(.authorization),
            "token_endpoint": url(.token),
            "jwks_uri": url(.keySet),
            "userinfo_endpoint": url(.userinfo),
            "introspection_endpoint": url(.introspection),
            "revocation_endpoint": url(.revocation),
            "end_session_endpoint": url(.logout),
            "scopes_supported": texts(LocalAuthorizationServer.Configuration.openIDScopes + configuration.apiScopes),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": texts(LocalAuthorizationServer.Client.GrantType.allCases.map(\.rawValue)),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": texts(configuration.algorithms.prefix(1).map(\.rawValue)),
            "token_endpoint_auth_methods_supported": texts(confidential + ["none"]),
            "token_endpoint_auth_signing_alg_values_supported": texts(signatures),
            "introspection_endpoint_auth_methods_supported": texts(confidential),
            "introspection_endpoint_auth_signing_alg_values_supported": texts(signatures),
            "revocation_endpoint_auth_methods_supported": texts(confidential + ["none"]),
            "revocation_endpoint_auth_signing_alg_values_supported": texts(signatures),
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": [
                "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "name",
                "preferred_username", "email", "email_verified",
            ],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "authorization_response_iss_parameter_supported": true,
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            // Whoever finds this in production has made a mistake.
            "development_only": true,
        ]
    }
}
#endif
