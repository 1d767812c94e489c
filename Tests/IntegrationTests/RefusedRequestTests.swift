// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Refusals on the wire, received by curl", .enabled(if: Curl.isInstalled, "skipped: no /usr/bin/curl"))
struct RefusedRequestTests {
    /// A request and the answer to the letter.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let status: Int
        /// What follows the realm in the challenge.
        let challenge: String
        /// The header lines to send.
        let headers: @Sendable (TestIssuer) -> [String]

        init(_ title: String, _ status: Int, _ challenge: String, headers: @escaping @Sendable (TestIssuer) -> [String])
        {
            testDescription = title
            self.status = status
            self.challenge = challenge
            self.headers = headers
        }

        static func flaw(_ flaw: TestIssuer.Flaw, _ description: String) -> Case {
            Case(flaw.rawValue, 401, #", error="invalid_token", error_description="\#(description)""#) { issuer in
                ["Authorization: Bearer \(issuer.token(with: flaw))"]
            }
        }

        static func invalidRequest(
            _ title: String,
            _ description: String,
            headers: @escaping @Sendable (TestIssuer) -> [String]
        ) -> Case {
            Case(
                title,
                400,
                #", error="invalid_request", error_description="\#(description)""#,
                headers: headers
            )
        }
    }

    static let cases: [Case] = [
        Case("no Authorization field", 401, "") { _ in [] },
        .flaw(.expired, "The access token expired"),
        .flaw(.notYetValid, "The access token is not valid yet"),
        .flaw(.wrongIssuer, "The access token cannot be verified"),
        .flaw(.wrongAudience, "The access token is for another audience"),
        .flaw(.idToken, "The token is not an access token for this API"),
        .flaw(.algorithmNone, "The access token cannot be verified"),
        .flaw(.forgedKey, "The access token cannot be verified"),
        .flaw(.publicKeyAsSecret, "The access token cannot be verified"),
        Case(
            "a text that is no token",
            401,
            #", error="invalid_token", error_description="The access token is malformed""#
        ) { _ in ["Authorization: Bearer hello"] },
        .invalidRequest("two fields, both good", "More than one access token was sent") { issuer in
            ["Authorization: Bearer \(issuer.token())", "Authorization: Bearer \(issuer.token())"]
        },
        .invalidRequest("two fields, names in two cases", "More than one access token was sent") { issuer in
            ["Authorization: Bearer \(issuer.token())", "aUTHORIZATION: Bearer hello"]
        },
        .invalidRequest("two values joined by a comma", "More than one access token was sent") { issuer in
            ["Authorization: Bearer \(issuer.token()), Bearer \(issuer.token())"]
        },
        .invalidRequest("another scheme", "The Authorization header is not a bearer token") { _ in
            ["Authorization: Basic dXNlcjpwYXNz"]
        },
        .invalidRequest("the scheme alone", "The Authorization header is not a bearer token") { _ in
            ["Authorization: Bearer"]
        },
        .invalidRequest("a token without a scheme", "The Authorization header is not a bearer token") { issuer in
            ["Authorization: \(issuer.token())"]
        },
        .invalidRequest("a token and more", "The Authorization header is not a bearer token") { issuer in
            ["Authorization: Bearer \(issuer.token()) more"]
        },
    ]

    @Test("The answer has the status and the one challenge that are documented, and no body", arguments: cases)
    func refused(request: Case) async throws {
        let api = try GuardedAPI()
        try await api.serve { address in
            let answer = try await Curl.get(address + "/identity", headers: request.headers(api.issuer))
            #expect(answer.status == request.status)
            #expect(answer.values("WWW-Authenticate") == [#"Bearer realm="api""# + request.challenge])
            #expect(answer.values("Retry-After") == [])
            #expect(answer.body == "")
            #expect(api.handledCount == 0)
        }
    }

    @Test("Every flaw that a test issuer can mint is among them")
    func everyFlaw() {
        let titles = Set(Self.cases.map(\.testDescription))
        #expect(TestIssuer.Flaw.allCases.count == 8)
        #expect(TestIssuer.Flaw.allCases.filter { !titles.contains($0.rawValue) } == [])
    }

    @Test("Without any key the answer is 503 with Retry-After, and no challenge blames the token")
    func keysUnavailable() async throws {
        let fetcher = ScriptedFetcher()
        let policy = RefreshPolicy.standard.jittered { 0 }
        let keys = try RemoteKeys(
            jwksURL: "https://issuer.test/jwks",
            fetcher: fetcher,
            policy: policy,
            clock: ManualClock().withoutPauses
        )
        let api = try GuardedAPI(keys: keys)
        try await api.serve { address in
            for path in ["/identity", "/greeting"] {
                let header = "Authorization: Bearer \(api.issuer.token())"
                let answer = try await Curl.get(address + path, headers: [header])
                #expect(answer.status == 503)
                #expect(answer.values("Retry-After") == ["1"])
                #expect(answer.values("WWW-Authenticate") == [])
                #expect(answer.body == "")
            }
            #expect(api.handledCount == 0)
            // One attempt and its retry; the second request falls into the pause after them.
            #expect(fetcher.requests.count == 2)
        }
    }

    @Test("Without any key a bad request is still told what is wrong with it")
    func badRequestWithoutKeys() async throws {
        let fetcher = ScriptedFetcher()
        let api = try GuardedAPI(keys: try RemoteKeys(jwksURL: "https://issuer.test/jwks", fetcher: fetcher))
        try await api.serve { address in
            let answer = try await Curl.get(address + "/identity", headers: ["Authorization: Bearer hello"])
            #expect(answer.status == 401)
            #expect(
                answer.values("WWW-Authenticate") == [
                    #"Bearer realm="api", error="invalid_token", error_description="The access token is malformed""#
                ]
            )
            #expect(fetcher.requests.count == 0)
        }
    }
}
#endif
