// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard

/// A request to the authorization server, whatever brought it.
package struct AuthorizationServerRequest: Sendable {
    package let method: String
    /// The path as it was sent, without the query.
    package let path: String
    package let query: String
    package let body: [UInt8]
    private let fields: [(name: String, value: String)]

    package init(_ method: String, _ target: String, fields: [(String, String)] = [], body: [UInt8] = []) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts.first ?? "")
        query = parts.count > 1 ? String(parts[1]) : ""
        self.fields = fields.map { ($0.0.lowercased(), $0.1) }
        self.body = body
    }

    /// Every value of a header field, by its name in lower case.
    func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// The value of a header field that is there once.
    func value(_ name: String) -> String? {
        let values = values(name)
        return values.count == 1 ? values.first : nil
    }

    /// Whether the body is said to be of this media type.
    func isOfType(_ type: String) -> Bool {
        let stated = value("content-type")?.prefix { $0 != ";" }.lowercased()
        return stated?.filter { $0 != " " } == type
    }

    func cookie(_ name: String) -> String? {
        for pair in values("cookie").flatMap({ $0.split(separator: ";") }) {
            let sides = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if sides.count == 2, sides[0] == name { return String(sides[1]) }
        }
        return nil
    }
}

/// An answer of the authorization server.
package struct AuthorizationServerResponse: Sendable {
    package let status: Int
    package var fields: [(name: String, value: String)]
    package let body: [UInt8]

    /// Nothing that this server says may be kept, unless said otherwise (RFC 6749 §5.1).
    private static let noStore: [(name: String, value: String)] = [("Cache-Control", "no-store")]

    private init(status: Int, fields: [(name: String, value: String)], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    static func json(
        _ value: JSONValue,
        status: Int = 200,
        cacheControl: String? = nil
    ) -> AuthorizationServerResponse {
        let cacheControl = cacheControl.map { [(name: "Cache-Control", value: $0)] } ?? noStore
        return AuthorizationServerResponse(
            status: status,
            fields: [("Content-Type", "application/json")] + cacheControl,
            body: Array(value.text.utf8)
        )
    }

    static func keySet(_ text: String, cacheControl: String) -> AuthorizationServerResponse {
        AuthorizationServerResponse(
            status: 200,
            fields: [("Content-Type", "application/jwk-set+json"), ("Cache-Control", cacheControl)],
            body: Array(text.utf8)
        )
    }

    static func page(
        _ page: HTML,
        status: Int = 200,
        formTargets: [String] = []
    ) -> AuthorizationServerResponse {
        AuthorizationServerResponse(
            status: status,
            fields: HTML.fields(formTargets: formTargets) + noStore,
            body: Array(page.text.utf8)
        )
    }

    /// See other (RFC 9700 §4.12: 307 would send the user's password on).
    static func redirect(to url: String) -> AuthorizationServerResponse {
        AuthorizationServerResponse(status: 303, fields: [("Location", url)] + noStore, body: [])
    }

    static func status(_ status: Int, fields: [(name: String, value: String)] = []) -> AuthorizationServerResponse {
        AuthorizationServerResponse(status: status, fields: fields + noStore, body: [])
    }

    func adding(_ name: String, _ value: String) -> AuthorizationServerResponse {
        var response = self
        response.fields.append((name, value))
        return response
    }

}
#endif
