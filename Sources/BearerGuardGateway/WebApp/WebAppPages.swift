// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting

/// The pages of the demo's web application.
enum WebAppPages {
    static func home(
        _ session: WebApp.Session,
        issuer: String,
        apiURL: String,
        messages: [FlowMessage]
    ) -> HTML {
        let notice: HTML =
            session.notice.map { notice in
                "<p class=\"\(notice.isGood ? "good" : "error")\" role=\"status\">\(notice.text)</p>"
            } ?? .empty
        return HTML.page(
            title: "The orders app",
            note: "BearerGuard's demo: a web application, an authorization server and an API, all on this machine",
            """
            \(notice)
            \(session.tokens.map { signedIn(session, $0) } ?? signedOut(session))
            <h2>What was sent</h2>
            \(messages.isEmpty ? "<p>Nothing yet. The messages of the flow appear here as they happen.</p>" : .empty)
            \(messages.enumerated().map { entry($1, isOpen: $0 + 4 >= messages.count) })
            <p>Authorization server <code>\(issuer)</code>, API <code>\(apiURL)</code>.</p>
            """
        )
    }

    private static func button(_ session: WebApp.Session, _ action: String, _ label: String, _ extra: HTML = .empty)
        -> HTML
    {
        """
        <form method="post" action="\(action)">
        <input type="hidden" name="form_token" value="\(session.formToken)">\(extra)
        <button>\(label)</button></form>
        """
    }

    private static func signedOut(_ session: WebApp.Session) -> HTML {
        let boxes: [HTML] = WebApp.scopes.map { scope in
            let isOn = scope != "orders:write"
            return """
                <label class="check"><input type="checkbox" name="scope" value="\(scope)"\(isOn ? " checked" : .empty)>
                <code>\(scope)</code></label>
                """
        }
        return """
            <p>Nobody is signed in. Choose what the application asks for; <code>alice</code> with password
            <code>alice</code> can sign in, or register somebody new on the next page.</p>
            <form method="post" action="/sign-in">
            <input type="hidden" name="form_token" value="\(session.formToken)">
            \(boxes)
            <p><button>Sign in</button></p>
            </form>
            """
    }

    private static func signedIn(_ session: WebApp.Session, _ tokens: WebAppClient.Tokens) -> HTML {
        let name = tokens.id.flatMap(claims)?["name"]?.stringValue ?? claims(tokens.access)?["sub"]?.stringValue
        let method: (String) -> HTML = { "<input type=\"hidden\" name=\"method\" value=\"\($0)\">" }
        return """
            <p>Signed in as <strong>\(name ?? "somebody")</strong>, with
            <code>\(tokens.scopes.joined(separator: " "))</code>.</p>
            <div class="row">
            \(button(session, "/call", "GET /orders (orders:read)", method("GET")))
            \(button(session, "/call", "POST /orders (orders:write)", method("POST")))
            \(button(session, "/refresh", "Refresh"))
            \(button(session, "/rotate", "Rotate the key"))
            \(button(session, "/forge", "Send a forged token"))
            \(button(session, "/sign-out", "Sign out"))
            </div>
            <h2>Tokens</h2>
            \(decoded("Access token", tokens.access))
            \(tokens.id.map { decoded("ID token", $0) } ?? .empty)
            \(tokens.refresh.map { "<p>Refresh token: \($0.count) characters that mean nothing to the application.</p>" } ?? .empty)
            """
    }

    private static func claims(_ token: String) -> JSONObject? {
        (try? UnverifiedToken(Array(token.utf8))).flatMap { try? $0.unverifiedClaims.get() }
    }

    /// Header and claims of a token, a member on each line.
    private static func decoded(_ title: String, _ token: String) -> HTML {
        let parts = token.split(separator: ".").prefix(2).map { part -> String in
            guard let bytes = Base64URL.decode(Array(part.utf8)),
                let members = try? JSONObject(tokenText: bytes[...])
            else { return "?" }
            return members.members.map { "\($0.name): \($0.value.text)" }.joined(separator: "\n")
        }
        return """
            <details open><summary>\(title), \(token.count) characters</summary>
            <pre>\(parts.joined(separator: "\n\n"))</pre></details>
            """
    }

    private static func entry(_ message: FlowMessage, isOpen: Bool) -> HTML {
        """
        <details\(isOpen ? " open" : .empty)><summary>\(message.number.map { "(\($0)) " } ?? "")\(message.title)</summary>
        <pre>\(message.lines.joined(separator: "\n"))</pre></details>
        """
    }
}
#endif
