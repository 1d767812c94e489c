// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if FlyingFox
public import BearerGuard
public import FlyingFox

/// Lets requests through to a FlyingFox handler that a guard authorizes, and answers the others with status, challenge
/// and nothing more.
///
/// FlyingFox 0.27 keeps the last of several `Authorization` fields of a request before any handler sees it; put a proxy
/// that refuses them in front where that matters.
///
/// ```swift
/// await server.appendRoute("GET /orders", to: GuardedHandler(requestGuard, requiring: .scopes("orders:read")) {
///     request, token in HTTPResponse(statusCode: .ok)
/// })
/// ```
public struct GuardedHandler: HTTPHandler {
    private let requestGuard: RequestGuard
    private let requirement: Requirement
    private let isOptional: Bool
    private let handler: @Sendable (HTTPRequest, AccessToken?) async throws -> HTTPResponse

    /// A door in front of a handler.
    ///
    /// - Parameters:
    ///   - requestGuard: decides.
    ///   - requirement: what the route demands.
    ///   - isOptional: whether requests without any credential pass as anonymous; a bad token is refused all the same.
    ///   - handler: answers requests that pass; its token is nil for an anonymous one alone.
    public init(
        _ requestGuard: RequestGuard,
        requiring requirement: Requirement = .authenticated,
        isOptional: Bool = false,
        handler: @escaping @Sendable (HTTPRequest, AccessToken?) async throws -> HTTPResponse
    ) {
        self.requestGuard = requestGuard
        self.requirement = requirement
        self.isOptional = isOptional
        self.handler = handler
    }

    /// Decides about one request.
    public func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        let credentials = RequestCredentials(authorization: request.headers.values(for: .authorization))
        let decision =
            isOptional
            ? await requestGuard.authorizeIfPresent(credentials, requiring: requirement)
            : await requestGuard.authorize(credentials, requiring: requirement)
        switch decision {
        case .authorized(let token): return try await handler(request, token)
        case .anonymous: return try await handler(request, nil)
        case .refused(let refusal): return HTTPResponse(refusal)
        }
    }
}

extension HTTPResponse {
    /// The answer to a request that was refused: status, `WWW-Authenticate`, `Retry-After`, no body.
    public init(_ refusal: Refusal) {
        var headers = HTTPHeaders()
        for field in refusal.headerFields { headers.addValue(field.value, for: HTTPHeader(field.name)) }
        self.init(statusCode: HTTPStatusCode(refusal.httpStatus, phrase: refusal.code.reasonPhrase), headers: headers)
    }
}

extension RejectionCode {
    /// FlyingFox writes the phrase that it is given (RFC 9110 §15).
    fileprivate var reasonPhrase: String {
        switch httpStatus {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        default: "Service Unavailable"
        }
    }
}

#else
/// Nothing without its trait: build with `traits: ["FlyingFox"]`.
@available(*, unavailable, message: "turn on the trait FlyingFox of the package BearerGuard")
public enum BearerGuardFlyingFoxIsOff {}
#endif
