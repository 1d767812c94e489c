// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
/// A piece of a page: literals are markup, and every text that is put between them is escaped.
package struct HTML: Sendable, ExpressibleByStringInterpolation {
    package let text: String

    package init(stringLiteral value: String) { text = value }

    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    private init(text: String) { self.text = text }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        package init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

        package mutating func appendLiteral(_ literal: String) { text += literal }

        package mutating func appendInterpolation(_ value: String) { text += HTML.escaped(value) }

        package mutating func appendInterpolation(_ value: Int) { text += String(value) }

        package mutating func appendInterpolation(_ piece: HTML) { text += piece.text }

        package mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.text } }
    }

    package static let empty: HTML = ""

    private static func escaped(_ value: String) -> String {
        var output = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    /// A whole page, readable on a phone, that says what it is for and loads nothing from anywhere.
    package static func page(title: String, note: String, _ body: HTML) -> HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title)</title>
        <style>\(HTML(text: style))</style>
        </head>
        <body>
        <p class="note">\(note)</p>
        <main>
        <h1>\(title)</h1>
        \(body)
        </main>
        </body>
        </html>

        """
    }

    /// The header fields of a page.
    ///
    /// - Parameter formTargets: origins that a form may lead to by a redirect, beyond the page's own.
    package static func fields(formTargets: [String] = []) -> [(name: String, value: String)] {
        let targets = (["'self'"] + formTargets).joined(separator: " ")
        return [
            ("Content-Type", "text/html; charset=utf-8"),
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
                    + "form-action \(targets)"
            ),
            ("Referrer-Policy", "no-referrer"), ("X-Content-Type-Options", "nosniff"),
        ]
    }

    /// What a page's policy must allow so that a form of it may lead to a URI by a redirect.
    static func formTarget(of uri: String) -> String {
        let scheme = String(uri.prefix { $0 != ":" })
        guard ["http", "https"].contains(scheme.lowercased()), uri.hasPrefix("\(scheme)://") else {
            return "\(scheme):"
        }
        let authority = uri.dropFirst(scheme.count + 3).prefix { !"/?#".contains($0) }
        // The policy has no way to name an IPv6 address.
        let isNameable = authority.utf8.allSatisfy { byte in
            byte == UInt8(ascii: ":")
                || byte != UInt8(ascii: "~") && byte != UInt8(ascii: "_")
                    && PercentEncoding.isUnreserved(byte)
        }
        return isNameable ? "\(scheme)://\(authority)" : "\(scheme):"
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8886; --accent: #0b62c4; --good: #18794e; --bad: #c62a2f; }
        @media (prefers-color-scheme: dark) { :root { --accent: #6cb0ff; --good: #4cc38a; --bad: #ff8589; } }
        * { box-sizing: border-box; }
        body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
        .note { margin: 0; padding: .4rem 1rem; font-size: .85rem; background: #ffb22433; text-align: center; }
        h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
        form { margin: 1rem 0; } form.narrow { max-width: 22rem; }
        .row { display: flex; flex-wrap: wrap; gap: .5rem; } .row form { margin: 0; }
        label { display: block; margin: .6rem 0; } label.check { display: flex; gap: .5rem; align-items: baseline; }
        input:not([type=checkbox]) { display: block; width: 100%; padding: .55rem; font: inherit;
          border: 1px solid var(--line); border-radius: .4rem; }
        button, .button { display: inline-block; padding: .55rem 1rem; font: inherit; color: #fff; background: #0b62c4;
          border: 0; border-radius: .4rem; cursor: pointer; text-decoration: none; }
        button.plain, .button.plain { color: inherit; background: #8883; }
        a { color: var(--accent); }
        .error { color: var(--bad); } .good { color: var(--good); }
        pre, code { font: .85rem/1.45 ui-monospace, monospace; }
        pre { margin: .4rem 0; padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere;
          background: #8881; border-radius: .4rem; }
        details { margin: .5rem 0; border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .8rem; }
        summary { cursor: pointer; } li { margin: .2rem 0; }
        """
}
#endif
