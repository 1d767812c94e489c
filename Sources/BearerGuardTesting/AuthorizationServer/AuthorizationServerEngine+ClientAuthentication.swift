// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

extension AuthorizationServerEngine {
    /// A form that a client sent, and the client, which proved that it is itself (RFC 6749 §2.3, RFC 7523 §2.2).
    func authenticatedForm(
        _ request: AuthorizationServerRequest
    ) throws(OAuthError) -> (form: FormParameters, client: LocalAuthorizationServer.Client) {
        guard request.query.isEmpty else {
            throw OAuthError(.invalidRequest, "parameters belong into the body, never into the URL")
        }
        guard request.isOfType("application/x-www-form-urlencoded"), let form = FormParameters(request.body) else {
            throw OAuthError(.invalidRequest, "the body is no form")
        }
        guard !form.hasRepeated else { throw OAuthError(.invalidRequest, "a parameter is there twice") }
        let authorization = request.values("authorization")
        let ways = [!authorization.isEmpty, form.has("client_secret"), form.has("client_assertion")]
        guard ways.count(where: \.self) <= 1, authorization.count <= 1 else {
            throw OAuthError(.invalidRequest, "more than one way to authenticate")
        }
        if let field = authorization.first { return (form, try client(ofBasic: field, form)) }
        if let assertion = form["client_assertion"] { return (form, try client(ofAssertion: assertion, form)) }
        guard let client = form["client_id"].flatMap({ id in state.withLock { $0.clients[id] } }) else {
            throw OAuthError(.invalidClient, "no client is known by this client_id")
        }
        switch (client.authentication, form["client_secret"]) {
        case (.none, nil): return (form, client)
        case (.secret(let secret), let sent?) where Self.areEqual(secret, sent): return (form, client)
        case (.none, _?): throw OAuthError(.invalidClient, "a public client has no secret")
        case (.secret, _?): throw OAuthError(.invalidClient, "the client's secret is another one")
        case (.secret, nil): throw OAuthError(.invalidClient, "the client must send its secret")
        case (.privateKey, _): throw OAuthError(.invalidClient, "the client must send a signed assertion")
        }
    }

    /// Seconds from now to the end of an assertion.
    private static let longestAssertion: Int64 = 3600

    private static func areEqual(_ left: String, _ right: String) -> Bool {
        ConstantTime.areEqual(Array(left.utf8), Array(right.utf8))
    }

    private func client(
        ofBasic field: String,
        _ form: FormParameters
    ) throws(OAuthError) -> LocalAuthorizationServer.Client {
        let failure = OAuthError(.invalidClient, "the Authorization field is not Basic with client_id and secret")
        let parts = field.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = Self.decodeBase64(parts[1]) else {
            throw failure
        }
        let sides = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, let id = PercentEncoding.decodeForm(sides[0]),
            let sent = PercentEncoding.decodeForm(sides[1])
        else { throw failure }
        guard let client = state.withLock({ $0.clients[id] }) else {
            throw OAuthError(.invalidClient, "no client is known by this client_id")
        }
        guard case .secret(let secret) = client.authentication, Self.areEqual(secret, sent) else {
            throw OAuthError(.invalidClient, "the client's secret is another one")
        }
        guard form["client_id"].map({ $0.isExactly(id) }) ?? true else {
            throw OAuthError(.invalidRequest, "client_id is not that of the Authorization field")
        }
        return client
    }

    /// Base64 with its padding (RFC 4648 §4), as Basic has it.
    private static func decodeBase64(_ text: Substring) -> [UInt8]? {
        let body = text.utf8.reversed().drop { $0 == UInt8(ascii: "=") }.reversed()
        guard text.utf8.count.isMultiple(of: 4), text.utf8.count - body.count <= 2 else { return nil }
        return Base64URL.decode(
            body.map { byte in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                // Characters of the other alphabet are none of this one.
                case UInt8(ascii: "-"), UInt8(ascii: "_"): 0
                default: byte
                }
            }
        )
    }

    private func client(
        ofAssertion assertion: String,
        _ form: FormParameters
    ) throws(OAuthError) -> LocalAuthorizationServer.Client {
        guard form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" else {
            throw OAuthError(.invalidRequest, "client_assertion_type is not that of a JWT")
        }
        let failure = OAuthError(.invalidClient, "the client assertion is not good")
        guard let token = try? UnverifiedToken(Array(assertion.utf8)), let id = token.unverifiedIssuer?.stringValue,
            let client = state.withLock({ $0.clients[id] }), case .privateKey(let keySet) = client.authentication,
            form["client_id"].map({ $0.isExactly(id) }) ?? true
        else { throw failure }
        let policy = ValidationPolicy.unsafeWithHoles(
            issuer: id,
            audience: [issuer, url(.token)],
            algorithms: Set(SignatureAlgorithm.allCases.filter { !$0.isSymmetric }),
            acceptedTokens: .uncheckedType,
            clockSkew: 30,
            requiredClaims: ["sub", "jti"]
        )
        let judgement = TokenValidator(policy: policy, binding: .unknown).judge(
            token,
            keys: KeySnapshot(keySet),
            at: clock.now()
        )
        guard judgement.findings.isEmpty, let claims = judgement.claims,
            claims["sub"]?.stringValue?.isExactly(id) == true, let identifier = claims["jti"]?.stringValue,
            (1...256).contains(identifier.utf8.count), let end = claims["exp"].flatMap(UnixTime.init)
        else { throw failure }
        // As long as one is good it has to be remembered (RFC 7523 §3): that must come to an end.
        let now = now
        guard end.seconds <= now + Self.longestAssertion else {
            throw OAuthError(.invalidClient, "the client assertion is good for more than an hour")
        }
        let isNew = state.withLock { state in
            if state.assertions.count >= 10_000 { state.assertions = state.assertions.filter { $0.value >= now - 30 } }
            guard state.assertions.count < 10_000, state.assertions[[id, identifier]] == nil else { return false }
            state.assertions[[id, identifier]] = end.seconds
            return true
        }
        guard isNew else { throw OAuthError(.invalidClient, "the client assertion was used before") }
        return client
    }
}
#endif
