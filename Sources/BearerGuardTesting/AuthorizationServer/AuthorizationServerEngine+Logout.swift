// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

/// Signing out at a client's request (OpenID Connect RP-Initiated Logout).
extension AuthorizationServerEngine {
    /// `/logout`: at once for a client that shows the user's ID token, otherwise the user is asked.
    func logout(_ request: AuthorizationServerRequest, _ method: String) -> AuthorizationServerResponse {
        let parameters = method == "POST" ? form(request) : FormParameters(Array(request.query.utf8))
        guard let parameters, !parameters.hasRepeated else {
            return .page(Pages.error("The parameters of this request cannot be read."), status: 400)
        }
        if let restated = restated(request, parameters, at: .logout) { return restated }
        return state.withLock { state in
            let sessionID = request.cookie(cookieName)
            let session = state.browsers.session(sessionID, now: now)
            let hinted = parameters["id_token_hint"].flatMap { state.grants.grant(ofIDToken: $0) }
            let stated = parameters["client_id"]
            if let hinted, let stated, !stated.isExactly(hinted.clientID) {
                return .page(Pages.error("The ID token is for another client than client_id says."), status: 400)
            }
            let client = (hinted?.clientID ?? stated).flatMap { state.clients[$0] }
            let destination = parameters["post_logout_redirect_uri"]
            if let destination, client?.postLogoutRedirectURIs.containsExactly(destination) != true {
                let mistake = Pages.Mistake(
                    "The application did not register this post_logout_redirect_uri; it is compared to the letter.",
                    sent: [destination],
                    known: client?.postLogoutRedirectURIs ?? []
                )
                return .page(Pages.error(mistake), status: 400)
            }
            if let session, session.username != nil, hinted?.sessionID != session.publicID,
                !(method == "POST" && Self.isOwn(parameters, session))
            {
                let form = Pages.Form(action: path(of: .logout), interaction: "", token: session.formToken)
                return .page(
                    Pages.signOut(form, parameters),
                    formTargets: destination.map { [HTML.formTarget(of: $0)] } ?? []
                )
            }
            if let session, let sessionID {
                state.grants.endSession(session.publicID)
                state.browsers.close(sessionID)
            }
            if let hinted { state.grants.endSession(hinted.sessionID) }
            guard let destination else { return .page(Pages.signedOut) }
            let clientState = parameters["state"].map { [(name: "state", value: $0)] } ?? []
            return .redirect(to: PercentEncoding.url(destination, adding: clientState))
        }
    }
}
#endif
