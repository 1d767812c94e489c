// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// A request for a code that was found to be in order (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
struct AuthorizationRequest: Sendable {
    /// Why a request is refused, and who is told.
    enum Refusal: Error {
        /// The user: there is no client to be trusted with an answer (RFC 6749 §4.1.2.1).
        case page(Pages.Mistake)
        /// The client, by way of the browser.
        case redirect(OAuthError, to: String, state: String?)
    }

    enum Prompt: String {
        case none
        case login
        case consent
        case selectAccount = "select_account"
    }

    let client: LocalAuthorizationServer.Client
    let redirectURI: String
    let state: String?
    let scopes: [String]
    let audience: [String]
    let nonce: String?
    let challenge: String?
    let prompts: Set<Prompt>
    /// Seconds since the user signed in; nil for any.
    let maximumAge: Int64?
    let loginHint: String?
    /// Whom the client thinks it is about; nil for anybody.
    let hintedUsername: String?

    /// Reads and checks a request.
    ///
    /// - Parameters:
    ///   - parameters: what was sent; nil where it could not be read.
    ///   - clients: every client by its `client_id`.
    ///   - configuration: the server's.
    ///   - hintedUser: the user of an ID token that was given out here.
    init(
        _ parameters: FormParameters?,
        clients: [String: LocalAuthorizationServer.Client],
        configuration: LocalAuthorizationServer.Configuration,
        hintedUser: (_ idToken: String) -> String?
    ) throws(Refusal) {
        guard let parameters else { throw .page(.init("The parameters of this request cannot be read.")) }
        guard let client = parameters["client_id"].flatMap({ clients[$0] }) else {
            throw .page(
                .init(
                    "No application is known by this client_id.",
                    sent: parameters.all("client_id"),
                    known: clients.keys.sorted()
                )
            )
        }
        guard let redirectURI = parameters["redirect_uri"], client.redirectURIs.containsExactly(redirectURI) else {
            throw .page(
                .init(
                    "The application did not register this redirect_uri; it is compared to the letter.",
                    sent: parameters.all("redirect_uri"),
                    known: client.redirectURIs
                )
            )
        }
        // What is kept must be of a size that can be kept.
        let isShort = ["state", "nonce", "login_hint"].allSatisfy { (parameters[$0] ?? "").utf8.count <= 4096 }
        let state = isShort ? parameters["state"] : nil
        do throws(OAuthError) {
            guard isShort else { throw OAuthError(.invalidRequest, "state, nonce and login_hint: 4096 bytes at most") }
            try Self.checkForm(parameters)
            hintedUsername = try parameters["id_token_hint"].map { token throws(OAuthError) in
                guard let username = hintedUser(token) else {
                    throw OAuthError(.invalidRequest, "id_token_hint is no ID token of this server")
                }
                return username
            }
            guard client.grantTypes.contains(.authorizationCode) else {
                throw OAuthError(.unauthorizedClient, "the client may not ask for codes")
            }
            challenge = try Self.challenge(parameters, isPublic: client.isPublic)
            scopes = try Self.scopes(parameters["scope"], client, configuration)
            audience = try Self.audience(parameters.all("resource"), configuration)
            prompts = try Self.prompts(parameters["prompt"])
            maximumAge = try Self.maximumAge(parameters["max_age"])
        } catch {
            throw .redirect(error, to: redirectURI, state: state)
        }
        self.client = client
        self.redirectURI = redirectURI
        self.state = state
        nonce = parameters["nonce"]
        loginHint = parameters["login_hint"]
    }

    private static func checkForm(_ parameters: FormParameters) throws(OAuthError) {
        guard !parameters.hasRepeated else { throw OAuthError(.invalidRequest, "a parameter is there twice") }
        if parameters.has("request") { throw OAuthError(.requestNotSupported, "request objects are not read") }
        if parameters.has("request_uri") { throw OAuthError(.requestURINotSupported, "request_uri is not read") }
        if parameters.has("registration") { throw OAuthError(.registrationNotSupported, "registration is not read") }
        guard let type = parameters["response_type"] else {
            throw OAuthError(.invalidRequest, "response_type is missing")
        }
        guard type == "code" else { throw OAuthError(.unsupportedResponseType, "response_type must be code") }
        guard parameters["response_mode"] ?? "query" == "query" else {
            throw OAuthError(.invalidRequest, "response_mode must be query")
        }
    }

    /// RFC 7636 §4.3; RFC 9700 §2.1.1: public clients must, and `plain` protects nobody.
    private static func challenge(_ parameters: FormParameters, isPublic: Bool) throws(OAuthError) -> String? {
        guard let challenge = parameters["code_challenge"] else {
            if isPublic { throw OAuthError(.invalidRequest, "code_challenge is missing: public clients must use PKCE") }
            if parameters.has("code_challenge_method") {
                throw OAuthError(.invalidRequest, "code_challenge_method without code_challenge")
            }
            return nil
        }
        guard parameters["code_challenge_method"] == "S256" else {
            throw OAuthError(.invalidRequest, "code_challenge_method must be S256")
        }
        guard ProofKey.isChallenge(challenge) else {
            throw OAuthError(.invalidRequest, "code_challenge is no SHA-256 in base64url")
        }
        return challenge
    }

    /// The scopes that a text asks for; those of the API where there is none (RFC 6749 §3.3).
    static func scopes(
        _ text: String?,
        _ client: LocalAuthorizationServer.Client,
        _ configuration: LocalAuthorizationServer.Configuration
    ) throws(OAuthError) -> [String] {
        let openID = LocalAuthorizationServer.Configuration.openIDScopes
        let ofAPI = client.scopes?.filter { !openID.containsExactly($0) } ?? configuration.apiScopes
        guard let text else { return ofAPI }
        let scopes = Scopes(text.split(separator: " ").map(String.init)).values
        let known = ofAPI + openID
        guard !scopes.isEmpty, scopes.allSatisfy(known.containsExactly) else {
            throw OAuthError(.invalidScope, "a scope that the client may not ask for")
        }
        return scopes
    }

    /// The audience that is asked for (RFC 8707 §2).
    static func audience(
        _ resources: [String],
        _ configuration: LocalAuthorizationServer.Configuration
    ) throws(OAuthError) -> [String] {
        guard resources.allSatisfy(configuration.audiences.containsExactly) else {
            throw OAuthError(.invalidTarget, "no API is known by this resource")
        }
        return resources.isEmpty ? Array(configuration.audiences.prefix(1)) : resources.withoutRepetitions
    }

    private static func prompts(_ text: String?) throws(OAuthError) -> Set<Prompt> {
        let words = text?.split(separator: " ").map(String.init) ?? []
        let prompts = words.compactMap(Prompt.init)
        guard prompts.count == words.count else { throw OAuthError(.invalidRequest, "a prompt that is not known") }
        guard !prompts.contains(.none) || prompts.count == 1 else {
            throw OAuthError(.invalidRequest, "prompt none excludes every other")
        }
        return Set(prompts)
    }

    private static func maximumAge(_ text: String?) throws(OAuthError) -> Int64? {
        guard let text else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let age = Int64(text)
        else { throw OAuthError(.invalidRequest, "max_age must be a number of seconds") }
        return age
    }
}
#endif
