// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
package import BearerGuard
import Synchronization

/// The protocol of a ``LocalAuthorizationServer``: requests in, answers out, no socket.
package final class AuthorizationServerEngine: Sendable {
    struct State: Sendable {
        var clients: [String: LocalAuthorizationServer.Client]
        var users: [String: LocalAuthorizationServer.User]
        var keySetCacheControl: String
        var browsers = BrowserStore()
        var grants = GrantStore()
        /// When client assertions end that were used, by client and `jti`.
        var assertions: [[String]: Int64] = [:]
    }

    let configuration: LocalAuthorizationServer.Configuration
    /// Scheme, host and port.
    let origin: String
    /// `iss` of its tokens.
    package let issuer: String
    /// What stands before the path of every endpoint.
    let basePath: String
    /// Its keys, which sign anything.
    package let keys: TestIssuer
    let clock: WallClock
    let state: Mutex<State>

    /// A server.
    ///
    /// - Parameters:
    ///   - configuration: what it knows.
    ///   - origin: scheme, host and port that it is reached at.
    ///   - clock: the time of day.
    /// - Throws: ``ConfigurationError`` when the configuration cannot be used.
    package init(
        _ configuration: LocalAuthorizationServer.Configuration,
        origin: String,
        clock: WallClock = .system
    ) throws(ConfigurationError) {
        try configuration.check()
        self.configuration = configuration
        self.origin = origin
        self.clock = clock
        let path = configuration.accessTokens.issuerPath
        issuer = origin + path
        basePath = path == "/" ? "" : path
        do {
            keys = try TestIssuer(
                issuer: issuer,
                audience: configuration.audiences[0],
                algorithms: configuration.algorithms,
                clock: clock
            )
        } catch {
            throw ConfigurationError("OpenSSL makes no such key: \(error)")
        }
        state = Mutex(
            State(
                clients: Dictionary(configuration.clients.map { ($0.clientID, $0) }) { $1 },
                users: Dictionary(configuration.users.map { ($0.username, $0) }) { $1 },
                keySetCacheControl: configuration.keySetCacheControl
            )
        )
    }

    var now: Int64 { clock.now().seconds }

    /// The address of an endpoint.
    func url(_ endpoint: LocalAuthorizationServer.Endpoint) -> String { origin + path(of: endpoint) }

    func path(of endpoint: LocalAuthorizationServer.Endpoint) -> String {
        // RFC 8414 §3 puts the well-known part first, OpenID Connect Discovery last.
        endpoint == .oauthMetadata ? endpoint.rawValue + basePath : basePath + endpoint.rawValue
    }

    /// The endpoint of a path.
    package func endpoint(at path: String) -> LocalAuthorizationServer.Endpoint? {
        LocalAuthorizationServer.Endpoint.allCases.first { self.path(of: $0) == path }
    }

    /// Answers one request; to HEAD as to GET, for whoever sends it to leave the body out.
    package func respond(to request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        guard isAddressed(by: request) else { return .status(421) }
        guard let endpoint = endpoint(at: request.path) else { return notFound }
        let origin = allowedOrigin(of: request, at: endpoint)
        if let origin, request.method == "OPTIONS", request.value("access-control-request-method") != nil {
            return Self.preflight(endpoint, origin)
        }
        let response = respond(to: request, at: endpoint)
        return origin.map { Self.sharing(response, with: $0) } ?? response
    }

    private func respond(
        to request: AuthorizationServerRequest,
        at endpoint: LocalAuthorizationServer.Endpoint
    ) -> AuthorizationServerResponse {
        let method = request.method == "HEAD" && endpoint.methods.contains("GET") ? "GET" : request.method
        guard endpoint.methods.contains(method) else {
            return .status(405, fields: [("Allow", endpoint.methods.joined(separator: ", "))])
        }
        return answer(request, at: endpoint, method)
    }

    private func answer(
        _ request: AuthorizationServerRequest,
        at endpoint: LocalAuthorizationServer.Endpoint,
        _ method: String
    ) -> AuthorizationServerResponse {
        switch endpoint {
        case .home: return home()
        case .openIDMetadata, .oauthMetadata: return .json(metadata, cacheControl: "max-age=300")
        case .keySet:
            let cacheControl = state.withLock { $0.keySetCacheControl }
            return .keySet(keys.keySet, cacheControl: cacheControl)
        case .authorization: return authorize(request, method)
        case .signIn: return signIn(request)
        case .signUp: return method == "GET" ? signUpPage(request) : signUp(request)
        case .consent: return consent(request)
        case .resumption: return resume(request)
        case .logout: return logout(request, method)
        case .token: return answering { () throws(OAuthError) in try token(request) }
        case .introspection: return answering { () throws(OAuthError) in try introspect(request) }
        case .revocation: return answering { () throws(OAuthError) in try revoke(request) }
        case .userinfo: return userinfo(request)
        }
    }

    /// Whoever guessed a path learns where to look.
    private var notFound: AuthorizationServerResponse {
        .json(
            [
                "error": "not_found",
                "error_description": .string("see \(url(.openIDMetadata)), or \(url(.home)) in a browser"),
            ],
            status: 404
        )
    }

    private func answering(
        _ body: () throws(OAuthError) -> AuthorizationServerResponse
    ) -> AuthorizationServerResponse {
        do throws(OAuthError) {
            return try body()
        } catch {
            return error.response
        }
    }

    /// Whether a request names this machine by an address or name that only it can mean.
    ///
    /// Otherwise it is of a page of another site that got itself a name for this address (DNS rebinding).
    func isAddressed(by request: AuthorizationServerRequest) -> Bool {
        let host = (request.value("host") ?? "").lowercased()
        guard let name = ["127.0.0.1", "localhost", "[::1]"].first(where: host.hasPrefix) else { return false }
        let rest = host.dropFirst(name.count)
        return rest.isEmpty || rest.first == ":" && rest.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
    }
}
#endif
