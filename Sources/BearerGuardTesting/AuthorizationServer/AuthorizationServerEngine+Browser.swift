// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

/// What a browser is sent to, from the request for a code to the answer with it.
extension AuthorizationServerEngine {
    var cookieName: String {
        // Cookies know no ports: two servers of one machine must not read each other's.
        "bearerguard_issuer_\(origin.split(separator: ":").last ?? "")"
    }

    private func setCookie(_ response: AuthorizationServerResponse, _ id: String) -> AuthorizationServerResponse {
        response.adding("Set-Cookie", "\(cookieName)=\(id); Path=/; HttpOnly; SameSite=Lax")
    }

    /// The form of a body; nil where it is none.
    func form(_ request: AuthorizationServerRequest) -> FormParameters? {
        guard request.isOfType("application/x-www-form-urlencoded") else { return nil }
        return FormParameters(request.body)
    }

    /// Sends a form of another site on as a question by GET; nil where the browser showed who it is.
    ///
    /// To such a POST a browser adds no cookie (SameSite): it would look as if nobody were signed in, and the cookie of
    /// whoever is would be replaced.
    func restated(
        _ request: AuthorizationServerRequest,
        _ parameters: FormParameters?,
        at endpoint: LocalAuthorizationServer.Endpoint
    ) -> AuthorizationServerResponse? {
        guard request.method == "POST", request.cookie(cookieName) == nil, let parameters else { return nil }
        return .redirect(to: PercentEncoding.url(url(endpoint), adding: parameters.pairs))
    }

    /// `/authorize`: checks the request and asks the user what must be asked.
    func authorize(_ request: AuthorizationServerRequest, _ method: String) -> AuthorizationServerResponse {
        let parameters = method == "POST" ? form(request) : FormParameters(Array(request.query.utf8))
        if let restated = restated(request, parameters, at: .authorization) { return restated }
        let now = now
        return state.withLock { state in
            do throws(AuthorizationRequest.Refusal) {
                let asked = try AuthorizationRequest(
                    parameters,
                    clients: state.clients,
                    configuration: configuration,
                    hintedUser: { state.grants.grant(ofIDToken: $0)?.username }
                )
                var cookie = request.cookie(cookieName)
                let isNew = state.browsers.session(cookie, now: now) == nil
                if isNew { cookie = state.browsers.open(now: now) }
                let sessionID = cookie ?? ""
                let interaction = state.browsers.begin(asked, sessionID: sessionID, now: now)
                let response = proceed(interaction, sessionID, &state)
                return isNew ? setCookie(response, sessionID) : response
            } catch {
                switch error {
                case .page(let mistake): return .page(Pages.error(mistake), status: 400)
                case .redirect(let error, let uri, let clientState):
                    return redirect(to: uri, error.parameters, clientState)
                }
            }
        }
    }

    /// Goes on with a request as far as it can go without the user.
    private func proceed(_ id: String, _ sessionID: String, _ state: inout State) -> AuthorizationServerResponse {
        guard let interaction = state.browsers.interaction(id, sessionID: sessionID, now: now),
            let session = state.browsers.session(sessionID, now: now)
        else { return .page(Pages.ended, status: 403) }
        let request = interaction.request
        switch state.browsers.step(interaction, session, users: state.users, now: now) {
        case .signIn:
            return signInPage(id, session, request)
        case .consent(let user):
            let form = Pages.Form(action: path(of: .consent), interaction: id, token: session.formToken)
            return .page(Pages.consent(form, request, user), formTargets: Self.formTargets(request))
        case .refuse(let error):
            state.browsers.finish(id)
            return redirect(to: request.redirectURI, error.parameters, request.state)
        case .grant(let user, let session):
            state.browsers.finish(id)
            let grant = state.grants.add(
                GrantStore.Grant(
                    clientID: request.client.clientID,
                    username: user.username,
                    scopes: request.scopes,
                    audience: request.audience,
                    nonce: request.nonce,
                    authenticatedAt: session.signedInAt,
                    sessionID: session.publicID
                )
            )
            let code = state.grants.code(
                for: grant,
                redirectURI: request.redirectURI,
                challenge: request.challenge,
                end: now + configuration.codeLifetime
            )
            return redirect(to: request.redirectURI, [("code", code)], request.state)
        }
    }

    private static func formTargets(_ request: AuthorizationRequest) -> [String] {
        [HTML.formTarget(of: request.redirectURI)]
    }

    /// Back to the client (RFC 6749 §4.1.2), with `iss` so that it knows who answers (RFC 9207).
    private func redirect(
        to uri: String,
        _ parameters: [(name: String, value: String)],
        _ clientState: String?
    ) -> AuthorizationServerResponse {
        var parameters = parameters
        if let clientState { parameters.append(("state", clientState)) }
        parameters.append(("iss", issuer))
        return .redirect(to: PercentEncoding.url(uri, adding: parameters))
    }

    /// A form that this server's own page sent from this browser; nil for any other.
    private func ownForm(_ request: AuthorizationServerRequest, _ state: State) -> OwnForm? {
        guard let form = form(request), !form.hasRepeated, let sessionID = request.cookie(cookieName),
            let session = state.browsers.session(sessionID, now: now), Self.isOwn(form, session),
            let id = form["interaction"],
            let interaction = state.browsers.interaction(id, sessionID: sessionID, now: now)
        else { return nil }
        return OwnForm(
            form: form,
            interaction: id,
            sessionID: sessionID,
            session: session,
            asked: interaction.request
        )
    }

    private struct OwnForm {
        let form: FormParameters
        let interaction: String
        let sessionID: String
        let session: BrowserStore.Session
        let asked: AuthorizationRequest
    }

    private func signInPage(
        _ interaction: String,
        _ session: BrowserStore.Session,
        _ request: AuthorizationRequest,
        message: String? = nil
    ) -> AuthorizationServerResponse {
        let page = Pages.signIn(
            Pages.Form(action: path(of: .signIn), interaction: interaction, token: session.formToken),
            request,
            signUp: configuration.allowsRegistration ? path(of: .signUp) : nil,
            message: message
        )
        return .page(page, status: message == nil ? 200 : 400, formTargets: Self.formTargets(request))
    }

    /// The sign-in page's form.
    func signIn(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        state.withLock { state in
            guard let own = ownForm(request, state) else { return .page(Pages.ended, status: 403) }
            let user = own.form["username"].flatMap { state.users[$0] }
            let password = Array((own.form["password"] ?? "").utf8)
            guard let user, ConstantTime.areEqual(Array(user.password.utf8), password) else {
                let message = "The user name or the password is wrong."
                return signInPage(own.interaction, own.session, own.asked, message: message)
            }
            return enter(user, own.interaction, own.sessionID, &state)
        }
    }

    private func enter(
        _ user: LocalAuthorizationServer.User,
        _ interaction: String,
        _ sessionID: String,
        _ state: inout State
    ) -> AuthorizationServerResponse {
        let id = state.browsers.signIn(user.username, interaction: interaction, sessionID: sessionID, now: now)
        let parameters = [(name: "interaction", value: interaction)]
        return setCookie(.redirect(to: PercentEncoding.url(path(of: .resumption), adding: parameters)), id)
    }

    /// Where a browser goes on after it signed in.
    func resume(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        guard let id = FormParameters(Array(request.query.utf8))?["interaction"],
            let sessionID = request.cookie(cookieName)
        else { return .page(Pages.ended, status: 403) }
        return state.withLock { proceed(id, sessionID, &$0) }
    }

    /// The page on which people register themselves.
    func signUpPage(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        guard configuration.allowsRegistration else { return .status(404) }
        let id = FormParameters(Array(request.query.utf8))?["interaction"]
        let sessionID = request.cookie(cookieName)
        return state.withLock { state in
            guard let id, let interaction = state.browsers.interaction(id, sessionID: sessionID, now: now),
                let session = state.browsers.session(sessionID, now: now)
            else { return .page(Pages.ended, status: 403) }
            let form = Pages.Form(action: path(of: .signUp), interaction: id, token: session.formToken)
            return .page(Pages.signUp(form), formTargets: Self.formTargets(interaction.request))
        }
    }

    /// The form of the page on which people register themselves.
    func signUp(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        guard configuration.allowsRegistration else { return .status(404) }
        return state.withLock { state in
            guard let own = ownForm(request, state) else { return .page(Pages.ended, status: 403) }
            let username = own.form["username"] ?? ""
            let flaw: String? =
                if !(1...64).contains(username.utf8.count) {
                    "A user name has 1 to 64 bytes."
                } else if (own.form["name"] ?? "").utf8.count > 256 || (own.form["email"] ?? "").utf8.count > 256 {
                    "Name and e-mail have at most 256 bytes."
                } else if state.users[username] != nil {
                    "This user name is taken."
                } else if !(1...256).contains(own.form["password"]?.utf8.count ?? 0) {
                    "A password has 1 to 256 bytes."
                } else if state.users.count >= 10_000 {
                    "There are too many users here."
                } else {
                    nil
                }
            if let flaw {
                let form = Pages.Form(
                    action: path(of: .signUp),
                    interaction: own.interaction,
                    token: own.session.formToken
                )
                return .page(
                    Pages.signUp(form, message: flaw),
                    status: 400,
                    formTargets: Self.formTargets(own.asked)
                )
            }
            var user = LocalAuthorizationServer.User(username, password: own.form["password"] ?? "")
            user.name = own.form["name"]
            user.email = own.form["email"]
            state.users[username] = user
            return enter(user, own.interaction, own.sessionID, &state)
        }
    }

    /// The consent page's form.
    func consent(_ request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        state.withLock { state in
            guard let own = ownForm(request, state),
                let username = state.browsers.session(own.sessionID, now: now)?.username
            else { return .page(Pages.ended, status: 403) }
            switch own.form["decision"] {
            case "allow":
                state.browsers.consent(own.interaction, username: username)
                return proceed(own.interaction, own.sessionID, &state)
            case "deny":
                state.browsers.finish(own.interaction)
                let error = OAuthError(.accessDenied, "the user did not consent")
                return redirect(to: own.asked.redirectURI, error.parameters, own.asked.state)
            default: return .page(Pages.ended, status: 400)
            }
        }
    }

    /// Whether a form carries the token of this browser's own pages.
    static func isOwn(_ form: FormParameters, _ session: BrowserStore.Session) -> Bool {
        form["form_token"].map { ConstantTime.areEqual(Array($0.utf8), Array(session.formToken.utf8)) } ?? false
    }

    /// What there is here, for whoever opens the address.
    func home() -> AuthorizationServerResponse {
        let endpoints = LocalAuthorizationServer.Endpoint.allCases.filter { $0 != .home }.map { url($0) }
        return .page(Pages.home(issuer: issuer, endpoints: endpoints))
    }
}
#endif
