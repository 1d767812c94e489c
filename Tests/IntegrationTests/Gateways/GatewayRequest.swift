// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting

/// One row of the table that every gateway is asked, and the answer that is right.
struct GatewayRequest: Sendable {
    /// What the client must get.
    enum Expected: Sendable {
        /// The upstream's answer; it saw this subject, or none.
        case passes(subject: String? = nil)
        /// The status and challenge of this reason.
        case refused(RejectionCode, scope: String? = nil)
        /// A status without a challenge; gateways may refuse strange paths by themselves, so one of several.
        case denied(Set<Int>)
    }

    let title: String
    var method = "GET"
    let target: String
    var headers: [String] = []
    let expected: Expected
    /// Whether a gateway may refuse it by itself, with the same status and no challenge.
    var isStrange = false
    /// The status by which Apache refuses it before it asks; nil where it asks.
    var apacheStatus: Int?

    static func bearer(_ token: String) -> String { "Authorization: Bearer \(token)" }

    /// The table.
    static func table(_ issuer: TestIssuer) -> [GatewayRequest] {
        let reading = issuer.token(scopes: ["orders:read"])
        let good = bearer(reading)
        let ambiguous = Expected.denied([400])
        func bad(_ title: String, _ token: String, _ code: RejectionCode) -> GatewayRequest {
            GatewayRequest(title: title, target: "/orders", headers: [bearer(token)], expected: .refused(code))
        }
        let passes = Expected.passes(subject: "user-1")
        let tokens = [
            bad("expired", issuer.token(with: .expired, scopes: ["orders:read"]), .expired),
            bad("another API's", issuer.token(with: .wrongAudience), .wrongAudience),
            bad("another issuer's", issuer.token(with: .wrongIssuer), .wrongIssuer),
            bad("forged", issuer.token(with: .forgedKey), .badSignature),
            bad("alg none", issuer.token(with: .algorithmNone), .unsupportedAlgorithm),
            bad("HMAC with the public key", issuer.token(with: .publicKeyAsSecret), .unsupportedAlgorithm),
            bad("an ID token", issuer.token(with: .idToken), .wrongType),
            bad("not a token", "hello", .malformed),
            bad("under an unknown key", issuer.token(header: ["kid": "nobody"]), .unknownKey),
        ]
        let passing = [
            GatewayRequest(title: "public", target: "/health", expected: .passes()),
            GatewayRequest(title: "public, HEAD", method: "HEAD", target: "/health", expected: .passes()),
            GatewayRequest(title: "public, query", target: "/health?deep=1&x=%2f", expected: .passes()),
            GatewayRequest(
                title: "public, a bad token is not looked at",
                target: "/health",
                headers: [bearer("nonsense")],
                expected: .passes()
            ),
            GatewayRequest(title: "preflight", method: "OPTIONS", target: "/preflight", expected: .passes()),
            GatewayRequest(title: "optional, none", target: "/news/today", expected: .passes()),
            GatewayRequest(title: "optional, good", target: "/news/today", headers: [good], expected: passes),
            GatewayRequest(title: "ES256", target: "/orders", headers: [good], expected: passes),
            GatewayRequest(
                title: "RS256",
                target: "/orders/7",
                headers: [bearer(issuer.token(scopes: ["orders:read"], algorithm: .rs256))],
                expected: passes
            ),
            GatewayRequest(
                title: "EdDSA",
                target: "/orders/7/items",
                headers: [bearer(issuer.token(scopes: ["orders:read"], algorithm: .edDSA))],
                expected: passes
            ),
            GatewayRequest(
                title: "the scheme in small letters",
                target: "/orders",
                headers: ["Authorization: bearer \(reading)"],
                expected: passes
            ),
            GatewayRequest(
                title: "two spaces",
                target: "/orders",
                headers: ["Authorization: Bearer  \(reading)"],
                expected: passes
            ),
            GatewayRequest(title: "HEAD", method: "HEAD", target: "/orders", headers: [good], expected: passes),
            GatewayRequest(title: "an encoded space", target: "/orders/a%20b", headers: [good], expected: passes),
            GatewayRequest(title: "beyond ASCII", target: "/orders/%C3%A9", headers: [good], expected: passes),
            GatewayRequest(
                title: "POST with its scope",
                method: "POST",
                target: "/orders",
                headers: [bearer(issuer.token(scopes: ["orders:write"]))],
                expected: passes
            ),
            GatewayRequest(
                title: "a large header",
                target: "/orders",
                headers: [good, "X-Large: \(String(repeating: "x", count: 6000))"],
                expected: passes
            ),
            GatewayRequest(
                title: "admin on its host",
                target: "/admin/users",
                headers: ["Host: admin.test", bearer(issuer.token(scopes: ["admin"]))],
                expected: passes
            ),
            GatewayRequest(
                title: "admin on its host in capitals, with a port",
                target: "/admin/users",
                headers: ["Host: ADMIN.test:8080", bearer(issuer.token(scopes: ["admin"]))],
                expected: passes
            ),
        ]
        let spoofed = [
            GatewayRequest(
                title: "spoofed subject, public",
                target: "/health",
                headers: ["X-Auth-Subject: admin", "x-auth-scope: all", "X-Internal-Token: a.b.c"],
                expected: .passes()
            ),
            GatewayRequest(
                title: "spoofed subject, optional",
                target: "/news/today",
                headers: ["X-AUTH-SUBJECT: admin", "X_Auth_Subject: admin", "X-Auth_Subject: admin"],
                expected: .passes()
            ),
            GatewayRequest(
                title: "spoofed subject beside a token",
                target: "/orders",
                headers: [
                    "X-Auth-Subject: admin", "x_auth_subject: admin", "x_auth-subject: admin", "x_internal-token: a",
                    good,
                ],
                expected: passes
            ),
            GatewayRequest(
                title: "spoofed original request",
                method: "DELETE",
                target: "/me",
                headers: [
                    "X-Original-URI: /health", "X-Original-Method: GET", "X-Forwarded-Uri: /health",
                    "X-Forwarded-Method: GET",
                ],
                expected: .refused(.missingToken)
            ),
            GatewayRequest(
                title: "spoofed host",
                target: "/admin/users",
                headers: [
                    "X-Original-Host: admin.test", "X-Forwarded-Host: admin.test",
                    bearer(issuer.token(scopes: ["admin"])),
                ],
                expected: .denied([403])
            ),
            GatewayRequest(
                title: "method override",
                method: "DELETE",
                target: "/orders",
                headers: ["X-HTTP-Method-Override: GET", good],
                expected: .denied([403])
            ),
        ]
        let refused = [
            GatewayRequest(title: "no token", target: "/orders", expected: .refused(.missingToken)),
            GatewayRequest(title: "no token, HEAD", method: "HEAD", target: "/me", expected: .refused(.missingToken)),
            GatewayRequest(
                title: "optional, bad",
                target: "/news/today",
                headers: [bearer(issuer.token(with: .expired))],
                expected: .refused(.expired)
            ),
            GatewayRequest(
                title: "POST without its scope",
                method: "POST",
                target: "/orders",
                headers: [good],
                expected: .refused(.insufficientScope, scope: "orders:write")
            ),
            GatewayRequest(
                title: "a scope that begins alike",
                target: "/orders",
                headers: [bearer(issuer.token(scopes: ["orders:read_all"]))],
                expected: .refused(.insufficientScope, scope: "orders:read")
            ),
            GatewayRequest(
                title: "a token in the query alone",
                target: "/orders?access_token=\(reading)",
                expected: .refused(.missingToken)
            ),
            GatewayRequest(
                title: "tokens in header and query",
                target: "/orders?access%5ftoken=\(reading)",
                headers: [good],
                expected: .refused(.multipleTokens)
            ),
            GatewayRequest(
                title: "two tokens",
                target: "/orders",
                headers: [good, good],
                expected: .refused(.multipleTokens),
                isStrange: true
            ),
            GatewayRequest(
                title: "two tokens in one field",
                target: "/orders",
                headers: ["Authorization: Bearer \(reading), Bearer \(reading)"],
                expected: .refused(.multipleTokens)
            ),
            GatewayRequest(title: "no rule", target: "/nothing", headers: [good], expected: .denied([403])),
            GatewayRequest(
                title: "no rule for the method",
                method: "POST",
                target: "/health",
                expected: .denied([403])
            ),
            GatewayRequest(title: "closed", target: "/closed/1", headers: [good], expected: .denied([403])),
            GatewayRequest(title: "a trailing slash", target: "/health/", expected: .denied([403])),
            GatewayRequest(title: "capitals", target: "/HEALTH", expected: .denied([403])),
        ]
        let paths =
            [
                "//orders/7", "/orders//7", "/health/../orders", "/./orders", "/orders/..", "/orders/%2e%2e/admin",
                "/orders%2f7", "/orders%5c7", "/orders;a=b/7", "/%6frders/7", "/orders/%252e", "/orders/%zz",
                "/orders/%3bx",
            ].map { GatewayRequest(title: "path \($0)", target: $0, headers: [good], expected: ambiguous) }
            + [
                GatewayRequest(
                    title: "path with NUL",
                    target: "/orders/%00",
                    headers: [good],
                    expected: ambiguous,
                    apacheStatus: 404
                )
            ]
        return passing + spoofed + refused + tokens + paths
    }
}
#endif
