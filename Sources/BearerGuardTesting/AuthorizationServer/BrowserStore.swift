// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// Browsers: who is signed in, what they were asked, and what they allowed.
struct BrowserStore: Sendable {
    /// One browser, known by its cookie.
    struct Session: Sendable {
        /// In every form, so that no other site can send one (RFC 9700 §4.7).
        let formToken: String
        /// Names the sign-in in tokens; the cookie itself is nobody's business.
        let publicID: String
        /// Nil until somebody signs in.
        var username: String?
        var signedInAt: Int64 = 0
        let end: Int64
    }

    /// A request for a code on its way through the pages.
    struct Interaction: Sendable {
        let request: AuthorizationRequest
        /// The cookie of the browser that brought it.
        var sessionID: String
        var hasSignedIn = false
        /// Who allowed what it asks for; whoever signs in after them is asked anew.
        var consentedBy: String?
        let end: Int64
    }

    /// What comes next for a request.
    enum Step: Sendable {
        case signIn
        case consent(LocalAuthorizationServer.User)
        case grant(LocalAuthorizationServer.User, Session)
        case refuse(OAuthError)
    }

    private static let sessionLifetime: Int64 = 8 * 3600
    private static let interactionLifetime: Int64 = 600

    private var sessions = Recent<Session>(limit: 10_000)
    private var interactions = Recent<Interaction>(limit: 10_000)
    /// The scopes that users allowed clients, by user and client.
    private var consents: [[String]: Set<String>] = [:]

    /// The browser of a cookie; nil where there is none, or it has ended.
    func session(_ id: String?, now: Int64) -> Session? {
        id.flatMap { sessions[$0] }.flatMap { now < $0.end ? $0 : nil }
    }

    /// A browser that was not here before, or signs in.
    mutating func open(username: String? = nil, publicID: String? = nil, now: Int64) -> String {
        let id = RandomText.make()
        sessions[id] = Session(
            formToken: RandomText.make(),
            publicID: publicID ?? RandomText.make(),
            username: username,
            signedInAt: now,
            end: now + Self.sessionLifetime
        )
        return id
    }

    /// Notes a request and returns what its forms name it by.
    mutating func begin(_ request: AuthorizationRequest, sessionID: String, now: Int64) -> String {
        let id = RandomText.make()
        interactions[id] = Interaction(request: request, sessionID: sessionID, end: now + Self.interactionLifetime)
        return id
    }

    /// The request of a form; nil where it is not this browser's, or has ended.
    func interaction(_ id: String?, sessionID: String?, now: Int64) -> Interaction? {
        guard let id, let interaction = interactions[id], interaction.sessionID == sessionID, now < interaction.end
        else { return nil }
        return interaction
    }

    /// Signs a user in: under a new cookie, so that nobody can have planted it, with all that the browser was asked.
    mutating func signIn(_ username: String, interaction id: String, sessionID old: String, now: Int64) -> String {
        // Signing in again goes on with what the same user began, so that signing out ends all of it.
        let publicID = sessions[old].flatMap { $0.username == username ? $0.publicID : nil }
        let new = open(username: username, publicID: publicID, now: now)
        for (name, interaction) in interactions.all where interaction.sessionID == old {
            var moved = interaction
            moved.sessionID = new
            if name == id { moved.hasSignedIn = true }
            interactions[name] = moved
        }
        sessions[old] = nil
        return new
    }

    /// Notes that a user allowed what a request asks for.
    mutating func consent(_ id: String, username: String) {
        guard var interaction = interactions[id] else { return }
        interaction.consentedBy = username
        interactions[id] = interaction
        let request = interaction.request
        consents[[username, request.client.clientID], default: []].formUnion(request.scopes)
    }

    /// Ends a request.
    mutating func finish(_ id: String) { interactions[id] = nil }

    /// Signs out.
    mutating func close(_ sessionID: String) { sessions[sessionID] = nil }

    /// What comes next for a request (OpenID Connect Core §3.1.2.3, §3.1.2.4).
    func step(
        _ interaction: Interaction,
        _ session: Session,
        users: [String: LocalAuthorizationServer.User],
        now: Int64
    ) -> Step {
        let request = interaction.request
        let isSilent = request.prompts.contains(.none)
        let asksAnew = request.prompts.contains(.login) || request.prompts.contains(.selectAccount)
        let isTooLongAgo = request.maximumAge.map { $0 == 0 || now - session.signedInAt > $0 } ?? false
        guard let user = session.username.flatMap({ users[$0] }),
            interaction.hasSignedIn || !asksAnew && !isTooLongAgo,
            request.hintedUsername.map({ $0 == user.username }) ?? true
        else {
            if interaction.hasSignedIn { return .refuse(OAuthError(.loginRequired, "somebody else signed in")) }
            return isSilent ? .refuse(OAuthError(.loginRequired, "nobody is signed in, or somebody else")) : .signIn
        }
        let allowed = consents[[user.username, request.client.clientID]] ?? []
        let isNew = !allowed.isSuperset(of: request.scopes)
        if request.client.needsConsent, isNew || request.prompts.contains(.consent),
            interaction.consentedBy != user.username
        {
            return isSilent ? .refuse(OAuthError(.consentRequired, "the user was not asked")) : .consent(user)
        }
        return .grant(user, session)
    }
}
#endif
