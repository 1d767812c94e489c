// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// The demo's web application: signs people in at the authorization server and calls the API for them.
final class WebApp: Sendable {
    /// What is kept for one browser.
    struct Session: Sendable {
        /// In every form, so that no other site can send one.
        let formToken = RandomText.make()
        var pending: WebAppClient.PendingSignIn?
        var tokens: WebAppClient.Tokens?
        /// What came of the last thing that was asked for.
        var notice: Notice?
    }

    struct Notice: Sendable {
        let text: String
        let isGood: Bool
    }

    private struct State {
        var origin = ""
        var sessions = Recent<Session>(limit: 1000)
    }

    static let scopes = ["openid", "profile", "email", "offline_access", "orders:read", "orders:write"]

    private let server: LocalAuthorizationServer
    private let apiURL: String
    private let log: FlowLog
    private let state = Mutex(State())

    init(server: LocalAuthorizationServer, apiURL: String, log: FlowLog) {
        self.server = server
        self.apiURL = apiURL
        self.log = log
    }

    /// Registers the application at the authorization server, once it knows its own address.
    func open(port: Int) throws {
        let origin = "http://127.0.0.1:\(port)"
        state.withLock { $0.origin = origin }
        var client = LocalAuthorizationServer.Client(
            WebAppClient.clientID,
            authentication: .secret(WebAppClient.clientSecret)
        )
        client.redirectURIs = [redirectURI]
        client.postLogoutRedirectURIs = [origin + "/"]
        client.name = "The orders app"
        try server.add(client)
    }

    var origin: String { state.withLock { $0.origin } }

    private var redirectURI: String { origin + "/callback" }

    private var client: WebAppClient { WebAppClient(server: server, redirectURI: redirectURI, log: log) }

    /// Its pages.
    var router: Router<BasicRequestContext> {
        let router = Router()
        router.get("/") { request, _ in self.home(request) }
        router.post("/sign-in") { request, _ in try await self.signIn(request) }
        router.get("/callback") { request, _ in await self.callback(request) }
        router.post("/call") { request, _ in try await self.act(request, self.call) }
        router.post("/refresh") { request, _ in try await self.act(request, self.refresh) }
        router.post("/rotate") { request, _ in try await self.act(request, self.rotate) }
        router.post("/forge") { request, _ in try await self.act(request, self.forge) }
        router.post("/sign-out") { request, _ in try await self.signOut(request) }
        return router
    }

    private var cookieName: String { "bearerguard_demo_\(origin.split(separator: ":").last ?? "")" }

    private func sessionID(_ request: Request) -> String? { request.cookies[cookieName]?.value }

    private func session(_ request: Request) -> (id: String, session: Session)? {
        guard let id = sessionID(request), let session = state.withLock({ $0.sessions[id] }) else { return nil }
        return (id, session)
    }

    private func keep(_ session: Session?, _ id: String) { state.withLock { $0.sessions[id] = session } }

    private func home(_ request: Request) -> Response {
        let known = session(request)
        let session = known?.session ?? Session()
        let id = known?.id ?? RandomText.make()
        var shown = session
        shown.notice = nil
        keep(shown, id)
        let page = WebAppPages.home(session, issuer: server.issuer, apiURL: apiURL, messages: log.messages)
        return known == nil ? setCookie(Self.response(page), id) : Self.response(page)
    }

    /// A form of this application's own pages, from this browser.
    private func form(_ request: Request) async throws -> (form: FormParameters, id: String, session: Session)? {
        guard let (id, session) = session(request) else { return nil }
        var request = request
        let body = try await request.collectBody(upTo: 16 * 1024)
        guard let form = FormParameters(Array(buffer: body)), form["form_token"] == session.formToken else {
            return nil
        }
        return (form, id, session)
    }

    private func signIn(_ request: Request) async throws -> Response {
        guard let (form, id, own) = try await form(request) else { return Self.redirect("/") }
        let asked = Self.scopes.filter { form.all("scope").contains($0) }
        let (url, pending) = client.beginSignIn(scopes: asked.isEmpty ? ["openid"] : asked)
        var session = own
        session.pending = pending
        keep(session, id)
        return Self.redirect(url)
    }

    /// Where the browser comes back to with the code.
    private func callback(_ request: Request) async -> Response {
        guard let (id, own) = session(request), let pending = own.pending else { return Self.redirect("/") }
        var session = own
        let query = FormParameters(Array((request.uri.query ?? "").utf8))
        // One answer to one question: a second one is somebody else's.
        session.pending = nil
        keep(session, id)
        guard let query, query["state"] == pending.state, query["iss"] == server.issuer else {
            return fail("This answer is not to a question of this browser.", session, id)
        }
        if let error = query["error"] {
            log.note(4, "The browser comes back without a code", ["GET \(redirectURI)?", "  error: \(error)"])
            return fail("The authorization server answered \(error).", session, id)
        }
        let code = query["code"] ?? ""
        log.note(
            4,
            "The browser comes back with a code",
            ["GET \(redirectURI)?"]
                + FlowLog.lines([("code", code), ("state", pending.state), ("iss", query["iss"] ?? "")])
        )
        do {
            let tokens = try await client.redeem(code, pending)
            // Whoever knew the cookie before must not have the tokens now.
            keep(nil, id)
            let renewed = RandomText.make()
            var signedIn = Session()
            signedIn.tokens = tokens
            signedIn.notice = Notice(text: "Signed in.", isGood: true)
            keep(signedIn, renewed)
            return setCookie(Self.redirect("/"), renewed)
        } catch {
            return fail(Self.message(error), session, id)
        }
    }

    private static func message(_ error: any Error) -> String {
        (error as? WebAppClient.Failure)?.message ?? "The other side did not answer."
    }

    private func fail(_ message: String, _ session: Session, _ id: String) -> Response {
        var session = session
        session.notice = Notice(text: message, isGood: false)
        keep(session, id)
        return Self.redirect("/")
    }

    /// Does something with the tokens and shows the first page again.
    private func act(
        _ request: Request,
        _ action: (FormParameters, inout Session) async throws -> Void
    ) async throws -> Response {
        guard let (form, id, own) = try await form(request), own.tokens != nil else { return Self.redirect("/") }
        var session = own
        do {
            try await action(form, &session)
        } catch {
            return fail(Self.message(error), session, id)
        }
        keep(session, id)
        return Self.redirect("/")
    }

    private func call(_ form: FormParameters, _ session: inout Session) async throws {
        let method = form["method"] == "POST" ? "POST" : "GET"
        let answer = try await client.call(
            method,
            apiURL + "/orders",
            token: session.tokens?.access,
            title: "The application calls the resource server"
        )
        session.notice = Self.notice("\(method) /orders", answer)
    }

    private func refresh(_ form: FormParameters, _ session: inout Session) async throws {
        guard let tokens = session.tokens else { return }
        session.tokens = try await client.refresh(tokens)
        session.notice = Notice(text: "New tokens; the old refresh token is used up.", isGood: true)
    }

    private func rotate(_ form: FormParameters, _ session: inout Session) async throws {
        guard let tokens = session.tokens else { return }
        let key = try server.keys.rotate(.rs256)
        log.note(nil, "The authorization server signs with a new key", ["kid: \(key.keyID ?? "")"])
        guard tokens.refresh != nil else {
            session.notice = Notice(
                text: "The key was rotated, and the token at hand is by the old one, which is still published. "
                    + "Without offline_access there is no refresh token: sign in again for a token by the new key.",
                isGood: true
            )
            return
        }
        session.tokens = try await client.refresh(tokens)
        let answer = try await client.call(
            "GET",
            apiURL + "/orders",
            token: session.tokens?.access,
            title: "The application calls with a token of the new key, which the guard has not seen yet"
        )
        session.notice = Self.notice("After the rotation: GET /orders", answer)
    }

    private func forge(_ form: FormParameters, _ session: inout Session) async throws {
        let forged = server.keys.token(with: .forgedKey, scopes: ["orders:read", "orders:write"])
        let answer = try await client.call(
            "GET",
            apiURL + "/orders",
            token: forged,
            title: "Somebody calls with a token that they signed themselves"
        )
        session.notice = Self.notice("A forged token: GET /orders", answer)
    }

    private static func notice(_ what: String, _ answer: WebAppClient.Answer) -> Notice {
        let text = answer.challenge ?? answer.body.trimmed
        return Notice(text: "\(what) → \(answer.status) \(text)", isGood: answer.status == 200)
    }

    private func signOut(_ request: Request) async throws -> Response {
        guard let (_, id, session) = try await form(request) else { return Self.redirect("/") }
        keep(nil, id)
        var parameters: [(name: String, value: String)] = [("post_logout_redirect_uri", origin + "/")]
        parameters.append(("client_id", WebAppClient.clientID))
        if let token = session.tokens?.id { parameters.append(("id_token_hint", token)) }
        let url = server.url(.logout)
        log.note(
            nil,
            "Sign-out: the application sends the browser to the authorization server",
            ["303 See Other", "Location: \(url)?"] + FlowLog.lines(parameters)
        )
        return Self.redirect("\(url)?\(PercentEncoding.form(parameters))")
    }

    private func setCookie(_ response: Response, _ id: String) -> Response {
        var response = response
        response.headers[.setCookie] = "\(cookieName)=\(id); Path=/; HttpOnly; SameSite=Lax"
        return response
    }

    private static func redirect(_ url: String) -> Response {
        Response(status: .seeOther, headers: [.location: url, .cacheControl: "no-store"])
    }

    private static func response(_ page: HTML) -> Response {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        // Signing in and out leads to the authorization server by a redirect, on another port of this machine.
        for field in HTML.fields(formTargets: ["http://127.0.0.1:*"]) {
            if let name = HTTPField.Name(field.name) { headers[name] = field.value }
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: page.text)))
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
#endif
