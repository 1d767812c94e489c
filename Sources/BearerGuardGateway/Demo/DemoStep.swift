// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting

/// One request of the demo and the answer that is right.
struct DemoStep: Sendable {
    let title: String
    let method: String
    let path: String
    /// The values of the `Authorization` fields.
    let authorization: [String]
    /// Nil where the request must pass.
    let rejection: RejectionCode?
    /// What happens at the issuer before the request.
    var before: (@Sendable () throws -> Void)?

    /// Whether the guard is asked at all.
    var isGuarded: Bool { path != "/health" }

    var status: Int { rejection?.httpStatus ?? 200 }

    private init(
        _ title: String,
        _ method: String,
        _ path: String,
        _ authorization: [String],
        refused rejection: RejectionCode?,
        before: (@Sendable () throws -> Void)? = nil
    ) {
        self.title = title
        self.method = method
        self.path = path
        self.authorization = authorization
        self.rejection = rejection
        self.before = before
    }

    private static func get(_ title: String, _ token: String?, refused rejection: RejectionCode? = nil) -> DemoStep {
        DemoStep(title, "GET", "/orders", token.map { ["Bearer \($0)"] } ?? [], refused: rejection)
    }

    /// The script.
    ///
    /// Tokens are minted as it is written, all but those of the rotated key.
    static func script(_ issuer: TestIssuer) throws -> [DemoStep] {
        let scopes = ["orders:read"]
        let good = issuer.token(scopes: scopes, algorithm: .rs256)
        let rotated = try SigningKey(.es256, keyID: "ES256-rotated")
        let early = issuer.token(scopes: scopes, algorithm: .es256)
        return [
            DemoStep("a public route, no token", "GET", "/health", [], refused: nil),
            get("no token", nil, refused: .missingToken),
            get("good token, RS256", good),
            get("good token, ES256", early),
            get("good token, EdDSA", issuer.token(scopes: scopes, algorithm: .edDSA)),
            get("expired an hour ago", issuer.token(with: .expired, scopes: scopes), refused: .expired),
            get("for another API", issuer.token(with: .wrongAudience, scopes: scopes), refused: .wrongAudience),
            get("from another issuer", issuer.token(with: .wrongIssuer, scopes: scopes), refused: .wrongIssuer),
            get("forged by another key", issuer.token(with: .forgedKey, scopes: scopes), refused: .badSignature),
            get(
                "alg none, unsigned",
                issuer.token(with: .algorithmNone, scopes: scopes),
                refused: .unsupportedAlgorithm
            ),
            get(
                "HMAC with the public key",
                issuer.token(with: .publicKeyAsSecret, scopes: scopes),
                refused: .unsupportedAlgorithm
            ),
            get("an ID token", issuer.token(with: .idToken), refused: .wrongType),
            get("not a token at all", "hello", refused: .malformed),
            DemoStep(
                "two tokens at once",
                "GET",
                "/orders",
                ["Bearer \(good)", "Bearer \(good)"],
                refused: .multipleTokens
            ),
            DemoStep("scope orders:write missing", "POST", "/orders", ["Bearer \(good)"], refused: .insufficientScope),
            DemoStep(
                "scope orders:write granted",
                "POST",
                "/orders",
                ["Bearer \(issuer.token(scopes: ["orders:write"], algorithm: .rs256))"],
                refused: nil
            ),
            DemoStep(
                "key rotated just before",
                "GET",
                "/orders",
                ["Bearer \(issuer.token(scopes: scopes, algorithm: .es256, signedBy: rotated))"],
                refused: nil,
                before: { issuer.replace(.es256, by: rotated) }
            ),
            get("signed by the withdrawn key", early, refused: .unknownKey),
        ]
    }
}
#endif
