// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Expected decisions")
struct ExpectedDecisionTests {
    private let events = RecordedEvents()

    private func decide(_ token: (TestIssuer) -> String) async throws -> Decision {
        let issuer = try TestIssuer()
        let requestGuard = try issuer.makeGuard(observer: events)
        let credentials = RequestCredentials(authorization: "Bearer \(token(issuer))")
        return await requestGuard.authorize(credentials, requiring: .scopes("read"))
    }

    @Test("A decision as expected gives its token or refusal")
    func expected() async throws {
        let token = try await decide { $0.token(scopes: ["read"]) }.expectAuthorized()
        #expect(token.subject == "user-1")
        #expect(events.explanation == "200 authorized")
        let refusal = try await decide { $0.token(with: .expired) }.expectRefused(.expired)
        #expect(refusal.httpStatus == 401)
    }

    @Test("Any other says what was decided, why, and what to do, and nothing of the token")
    func unexpected() async throws {
        let expired = try await decide { $0.token(with: .expired) }
        let error = #expect(throws: UnexpectedDecision.self) { try expired.expectAuthorized() }
        #expect(
            error?.description == "expected to be authorized, but was refused: 401 expired. "
                + "Get a new token; if it is new, compare the clocks of issuer and server."
        )
        #expect(events.explanation.hasPrefix("401 expired: exp is past. Get a new token"))
        let other = #expect(throws: UnexpectedDecision.self) { try expired.expectRefused(.insufficientScope) }
        #expect(
            other?.description.hasPrefix("expected to be refused as insufficient_scope, but was refused: 401") == true
        )
        let good = try await decide { $0.token(scopes: ["read"]) }
        let third = #expect(throws: UnexpectedDecision.self) { try good.expectRefused(.expired) }
        #expect(
            third?.description == #"expected to be refused as expired, but was authorized with the scopes ["read"]"#
        )
        #expect(RecordedEvents().explanation == "the guard was not asked")
    }
}
