// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
import BearerGuard
import BearerGuardTesting
import Testing

/// Requests whose every text carries a marker, with line ends and terminal escapes, so that a leak is seen.
struct MarkedRequest: Sendable, CustomTestStringConvertible {
    /// In every claim and in every header member but `kid`.
    static let claimMark = "CLAIMMARK"
    /// In `kid`.
    static let keyMark = "KEYMARK"
    static let keyID = "kid \(keyMark)\r\n\u{1B}[2J"
    /// What may be shown of it.
    static let escapedKeyID = "kid \(keyMark)\\u{d}\\u{a}\\u{1b}[2J"
    static let mark = "\(claimMark)\r\n\u{1B}[31m"

    /// The outcome that is right.
    let outcome: String
    /// Whether the header can be read, and so its `kid` be shown.
    let hasKeyID: Bool
    /// The issuer whose name is shown: the configured one, once it was chosen.
    let issuer: String
    let authorization: @Sendable (TestIssuer) -> [String]

    var testDescription: String { outcome }

    private init(
        _ outcome: String,
        hasKeyID: Bool = true,
        issuer: String = "configured",
        authorization: @escaping @Sendable (TestIssuer) -> [String]
    ) {
        self.outcome = outcome
        self.hasKeyID = hasKeyID
        self.issuer = issuer
        self.authorization = authorization
    }

    private init(
        _ outcome: String,
        issuer: String = "configured",
        lifetime: Int64 = 300,
        claims: [String: JSONValue?] = [:],
        header: [String: JSONValue?] = [:]
    ) {
        self.init(outcome, issuer: issuer) { minter in
            ["Bearer \(Self.token(minter, lifetime: lifetime, claims: claims, header: header))"]
        }
    }

    private static func token(
        _ issuer: TestIssuer,
        lifetime: Int64 = 300,
        claims: [String: JSONValue?] = [:],
        header: [String: JSONValue?] = [:],
        signedBy key: SigningKey? = nil
    ) -> String {
        let marked: [String: JSONValue?] = [
            "sub": .string("sub \(mark)"), "jti": .string("jti \(mark)"), "client_id": .string("client \(mark)"),
            "email": .string("email \(mark)"), "scope": .string("read \(claimMark)"),
        ]
        let headerMarks: [String: JSONValue?] = [
            "x5u": .string("https://\(claimMark).test/"), "jku": .string("https://\(claimMark).test/"),
        ]
        return issuer.token(
            lifetime: lifetime,
            changes: marked.merging(claims) { $1 },
            header: headerMarks.merging(header) { $1 },
            signedBy: key
        )
    }

    /// Whether `text` can neither end a line nor steer a terminal.
    static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }

    /// One for every way through the guard that reads something of the request.
    static let all: [MarkedRequest] = [
        MarkedRequest("authorized"),
        MarkedRequest("expired", lifetime: -3600),
        MarkedRequest("not_yet_valid", claims: ["nbf": 4_000_000_000]),
        MarkedRequest("issued_in_future", claims: ["iat": 4_000_000_000]),
        MarkedRequest("wrong_issuer", issuer: "none", claims: ["iss": .string("https://\(mark).test")]),
        MarkedRequest("wrong_audience", claims: ["aud": .string("https://\(mark).test")]),
        MarkedRequest("missing_claim", claims: ["exp": nil]),
        MarkedRequest("invalid_claim", claims: ["exp": .string(mark)]),
        MarkedRequest("wrong_type", header: ["typ": .string(mark)]),
        MarkedRequest("unsupported_alg", issuer: "none", header: ["alg": .string(mark)]),
        MarkedRequest("unknown_key", header: ["kid": .string(keyID + "!")]),
        MarkedRequest("cnf_mismatch", claims: ["cnf": .object([(mark, .string(mark))])]),
        MarkedRequest("bad_signature") { issuer in
            guard let forger = try? SigningKey(.es256, keyID: keyID) else { return [] }
            return ["Bearer \(token(issuer, signedBy: forger))"]
        },
        MarkedRequest("critical_header", hasKeyID: false, issuer: "none") { issuer in
            ["Bearer \(token(issuer, header: ["crit": [.string(mark)]]))"]
        },
        MarkedRequest("malformed", hasKeyID: false, issuer: "none") { _ in
            ["Bearer \(claimMark).\(claimMark).\(claimMark)"]
        },
        MarkedRequest("too_large", hasKeyID: false, issuer: "none") { _ in
            ["Bearer " + String(repeating: claimMark, count: 4096)]
        },
        MarkedRequest("invalid_request", hasKeyID: false, issuer: "none") { _ in ["Basic \(claimMark)"] },
        MarkedRequest("multiple_tokens", hasKeyID: false, issuer: "none") { issuer in
            ["Bearer \(token(issuer))", "Bearer \(token(issuer))"]
        },
        MarkedRequest("missing_token", hasKeyID: false, issuer: "none") { _ in [] },
    ]
}
#endif
