// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if HTTPTypes
import BearerGuard
import BearerGuardHTTPTypes
import BearerGuardTesting
import HTTPTypes
import Testing

@Suite("Credentials from HTTP fields")
struct AuthorizationFieldsTests {
    private let issuer: TestIssuer
    private let requestGuard: RequestGuard

    init() throws {
        issuer = try TestIssuer()
        requestGuard = try issuer.makeGuard()
    }

    private func refusal(_ fields: HTTPFields) async throws -> Refusal {
        try #require(await requestGuard.authorize(RequestCredentials(fields)).refusal)
    }

    @Test("The one Authorization field is the credential")
    func oneField() async {
        let fields: HTTPFields = [.authorization: "Bearer \(issuer.token())"]
        let decision = await requestGuard.authorize(RequestCredentials(fields))
        #expect(decision.accessToken?.subject == "user-1")
    }

    @Test(
        "The field is found however its name is written",
        arguments: ["authorization", "AUTHORIZATION", "aUTHORIZATION"]
    )
    func nameInAnyCase(name: String) async throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: "Bearer \(issuer.token())"))
        let decision = await requestGuard.authorize(RequestCredentials(fields))
        #expect(decision.accessToken?.subject == "user-1")
    }

    @Test("Two fields stay two values, in their order and not joined")
    func twoFieldsAreKeptApart() {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .authorization, value: "Bearer first"))
        fields.append(HTTPField(name: .accept, value: "*/*"))
        fields.append(HTTPField(name: .authorization, value: "Bearer second"))
        let credentials = RequestCredentials(fields)
        #expect(credentials.authorization == ["Bearer first", "Bearer second"])
        #expect(credentials.otherTokens == [])
    }

    @Test("Two fields are refused as multiple tokens with 400, even when both hold the same good token")
    func twoFieldsAreRefused() async throws {
        let token = issuer.token()
        var fields = HTTPFields()
        fields.append(HTTPField(name: .authorization, value: "Bearer \(token)"))
        fields.append(HTTPField(name: .authorization, value: "Bearer \(token)"))
        let refusal = try await refusal(fields)
        #expect(refusal.code == .multipleTokens)
        #expect(refusal.status == .badRequest)
        #expect(
            refusal.fields[values: .wwwAuthenticate] == [
                #"Bearer realm="api", error="invalid_request", error_description="More than one access token was sent""#
            ]
        )
    }

    @Test("A good token does not outvote an empty second field")
    func emptySecondField() async throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .authorization, value: "Bearer \(issuer.token())"))
        fields.append(HTTPField(name: .authorization, value: ""))
        let refusal = try await refusal(fields)
        #expect(refusal.code == .multipleTokens)
        #expect(refusal.status == .badRequest)
    }

    @Test("A field in which a proxy joined two values is refused as multiple tokens")
    func joinedField() async throws {
        let token = issuer.token()
        let refusal = try await refusal([.authorization: "Bearer \(token), Bearer \(token)"])
        #expect(refusal.code == .multipleTokens)
        #expect(refusal.status == .badRequest)
    }

    @Test("A request without the field has no credential and gets the bare challenge")
    func noField() async throws {
        let refusal = try await refusal([:])
        #expect(refusal.code == .missingToken)
        #expect(refusal.status == .unauthorized)
        #expect(refusal.fields[values: .wwwAuthenticate] == [#"Bearer realm="api""#])
    }

    @Test("An empty field is a credential that is not a bearer token, not an absent one")
    func emptyField() async throws {
        let refusal = try await refusal([.authorization: ""])
        #expect(refusal.code == .invalidRequest)
        #expect(refusal.status == .badRequest)
    }

    @Test(
        "A token in any other field is not a credential",
        arguments: ["Proxy-Authorization", "Cookie", "X-Authorization"]
    )
    func otherFields(name: String) async throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: "Bearer \(issuer.token())"))
        let refusal = try await refusal(fields)
        #expect(refusal.code == .missingToken)
    }
}
#endif
