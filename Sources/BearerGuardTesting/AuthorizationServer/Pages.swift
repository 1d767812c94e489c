// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
/// The pages of a local authorization server.
enum Pages {
    /// What every form carries.
    struct Form {
        let action: String
        let interaction: String
        let token: String

        fileprivate var hidden: HTML {
            """
            <input type="hidden" name="interaction" value="\(interaction)">
            <input type="hidden" name="form_token" value="\(token)">
            """
        }
    }

    private static func page(_ title: String, _ body: HTML) -> HTML {
        HTML.page(title: title, note: "BearerGuard's local authorization server: for development only", body)
    }

    private static func alert(_ message: String?) -> HTML {
        message.map { "<p class=\"error\" role=\"alert\">\($0)</p>" } ?? .empty
    }

    static func signIn(
        _ form: Form,
        _ request: AuthorizationRequest,
        signUp: String?,
        message: String? = nil
    ) -> HTML {
        let registration: HTML =
            signUp.map { path in
                "<p>New here? <a href=\"\(path)?interaction=\(form.interaction)\">Register</a></p>"
            } ?? .empty
        return page(
            "Sign in",
            """
            <p>to go on to <strong>\(request.client.name ?? request.client.clientID)</strong></p>
            \(alert(message))
            <form class="narrow" method="post" action="\(form.action)">
            \(form.hidden)
            <label>User name
            <input name="username" autocomplete="username" required autofocus value="\(request.loginHint ?? "")"></label>
            <label>Password
            <input name="password" type="password" autocomplete="current-password" required></label>
            <button>Sign in</button>
            </form>
            \(registration)
            """
        )
    }

    static func signUp(_ form: Form, message: String? = nil) -> HTML {
        page(
            "Register",
            """
            <p>The account lasts until this server ends. Do not use a password of yours.</p>
            \(alert(message))
            <form class="narrow" method="post" action="\(form.action)">
            \(form.hidden)
            <label>User name <input name="username" autocomplete="username" required maxlength="64"></label>
            <label>Password <input name="password" type="password" autocomplete="new-password" required></label>
            <label>Full name <input name="name" autocomplete="name"></label>
            <label>E-mail <input name="email" type="email" autocomplete="email"></label>
            <button>Register</button>
            </form>
            """
        )
    }

    static func consent(
        _ form: Form,
        _ request: AuthorizationRequest,
        _ user: LocalAuthorizationServer.User
    ) -> HTML {
        page(
            "Allow access?",
            """
            <p><strong>\(request.client.name ?? request.client.clientID)</strong> asks, for
            <strong>\(user.username)</strong>, for:</p>
            <ul>\(request.scopes.map { "<li><code>\($0)</code>\(meaning($0))</li>" })</ul>
            <p>at \(request.audience.joined(separator: ", ")). The answer goes to <code>\(request.redirectURI)</code>.</p>
            <form method="post" action="\(form.action)">
            \(form.hidden)
            <button name="decision" value="allow">Allow</button>
            <button class="plain" name="decision" value="deny">Deny</button>
            </form>
            """
        )
    }

    private static func meaning(_ scope: String) -> HTML {
        switch scope {
        case "openid": " – to know that it is you"
        case "profile": " – to see your name"
        case "email": " – to see your e-mail address"
        case "offline_access": " – to go on when you are away"
        default: .empty
        }
    }

    static func signOut(_ form: Form, _ parameters: FormParameters) -> HTML {
        let kept: [HTML] = ["post_logout_redirect_uri", "client_id", "id_token_hint", "state"].compactMap { name in
            parameters[name].map { "<input type=\"hidden\" name=\"\(name)\" value=\"\($0)\">" }
        }
        return page(
            "Sign out?",
            """
            <form method="post" action="\(form.action)">
            <input type="hidden" name="form_token" value="\(form.token)">\(kept)
            <button>Sign out</button>
            </form>
            """
        )
    }

    static let signedOut = page("Signed out", "<p>You can close this page.</p>")

    static let ended = error(
        "This form has ended or is not this browser's. Go back to the application and start again."
    )

    /// What is wrong with a request, for the developer who sent it.
    struct Mistake {
        let message: String
        var sent: [String] = []
        var known: [String] = []

        init(_ message: String, sent: [String] = [], known: [String] = []) {
            self.message = message
            self.sent = sent
            self.known = known
        }
    }

    static func error(_ message: String) -> HTML { error(Mistake(message)) }

    static func error(_ mistake: Mistake) -> HTML {
        func list(_ title: HTML, _ texts: [String]) -> HTML {
            texts.isEmpty ? .empty : "<p>\(title)</p><ul>\(texts.map { "<li><code>\($0)</code></li>" })</ul>"
        }
        return page(
            "This does not go on",
            """
            <p class="error" role="alert">\(mistake.message)</p>
            \(list("It was:", mistake.sent))
            \(list("Known are:", mistake.known))
            """
        )
    }

    static func home(issuer: String, endpoints: [String]) -> HTML {
        page(
            "Local authorization server",
            """
            <p>The issuer is <code>\(issuer)</code>. Its endpoints:</p>
            <ul>\(endpoints.map { "<li><code>\($0)</code></li>" })</ul>
            """
        )
    }
}
#endif
