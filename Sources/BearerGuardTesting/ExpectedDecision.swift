// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard

/// A guard did not decide as a test expected; the description says what it decided, why, and what to do about it.
public struct UnexpectedDecision: Error, Sendable, CustomStringConvertible {
    /// What was expected and what was decided.
    public let description: String
}

extension Decision {
    /// The token of a request that has to be let in.
    ///
    /// ```swift
    /// let token = try await requestGuard.authorize(credentials).expectAuthorized()
    /// ```
    ///
    /// - Throws: ``UnexpectedDecision`` with the reason for any other decision.
    @discardableResult
    public func expectAuthorized() throws(UnexpectedDecision) -> AccessToken {
        guard let accessToken else {
            throw UnexpectedDecision(description: "expected to be authorized, but was \(explanation)")
        }
        return accessToken
    }

    /// The refusal of a request that has to be refused for this very reason.
    ///
    /// - Throws: ``UnexpectedDecision`` with the reason for any other decision.
    @discardableResult
    public func expectRefused(_ code: RejectionCode) throws(UnexpectedDecision) -> Refusal {
        guard let refusal, refusal.code == code else {
            throw UnexpectedDecision(
                description: "expected to be refused as \(code.text), but was \(explanation)"
            )
        }
        return refusal
    }

    private var explanation: String {
        switch self {
        case .authorized(let token): "authorized with the scopes \(token.scopes.values)"
        case .anonymous: "let in as anonymous: no credential was sent"
        case .refused(let refusal): "refused: \(refusal.httpStatus) \(refusal.code.text). \(refusal.code.advice)"
        }
    }
}

extension RecordedEvents {
    /// The last decision in words, with its reason in detail: what a test of a route prints when the status is not the
    /// expected one.
    ///
    /// ```swift
    /// #expect(response.status == .ok, "\(events.explanation)")
    /// ```
    public var explanation: String {
        guard let decision = decisions.last else { return "the guard was not asked" }
        let detail = decision.detail.map { ": \($0)" } ?? ""
        let code = RejectionCode.allCases.first { $0.text == decision.outcome }
        return "\(decision.status) \(decision.outcome)\(detail)" + (code.map { ". \($0.advice)" } ?? "")
    }
}
