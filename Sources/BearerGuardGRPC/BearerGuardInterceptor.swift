// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if GRPC
public import BearerGuard
public import GRPCCore

/// Lets calls through that a guard authorizes, and ends the others with the status of their reason.
///
/// Of refusals 400 and 401 are `UNAUTHENTICATED`, 403 is `PERMISSION_DENIED`, 503 is
/// `UNAVAILABLE`. Their trailers hold `www-authenticate`, one value a challenge, and for 503 the pause in
/// `grpc-retry-pushback-ms`, which gRPC clients with a retry policy honour.
public struct BearerGuardInterceptor: ServerInterceptor {
    /// What a method demands.
    public enum Access: Sendable {
        /// No token is looked at.
        case open
        /// A token that meets the requirement.
        case requires(Requirement)
        /// A call without credentials is anonymous; a bad token is refused all the same.
        case optional(Requirement = .authenticated)
    }

    /// The token of the call at hand, in handlers behind an interceptor; nil where none was sent and none was needed.
    @TaskLocal public static var accessToken: AccessToken?

    private let requestGuard: RequestGuard
    private let access: @Sendable (MethodDescriptor) -> Access

    /// A door for all methods of a server.
    ///
    /// - Parameters:
    ///   - requestGuard: decides.
    ///   - requirement: what every method demands.
    public init(_ requestGuard: RequestGuard, requiring requirement: Requirement = .authenticated) {
        self.init(requestGuard) { _ in .requires(requirement) }
    }

    /// A door whose demands depend on the method.
    ///
    /// - Parameters:
    ///   - requestGuard: decides.
    ///   - access: what a method demands.
    public init(_ requestGuard: RequestGuard, access: @escaping @Sendable (MethodDescriptor) -> Access) {
        self.requestGuard = requestGuard
        self.access = access
    }

    /// Decides about one call.
    public func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>,
        context: ServerContext,
        next:
            @Sendable @concurrent (StreamingServerRequest<Input>, ServerContext) async throws
            -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let credentials = RequestCredentials(
            authorization: Array(request.metadata[stringValues: "authorization"])
        )
        let decision: Decision
        switch access(context.descriptor) {
        case .open: decision = .anonymous
        case .requires(let requirement):
            decision = await requestGuard.authorize(credentials, requiring: requirement)
        case .optional(let requirement):
            decision = await requestGuard.authorizeIfPresent(credentials, requiring: requirement)
        }
        if case .refused(let refusal) = decision { return StreamingServerResponse(error: RPCError(refusal)) }
        let token = decision.accessToken
        var response = try await Self.$accessToken.withValue(token) { try await next(request, context) }
        // The messages are produced after this method has returned, where the token would be gone.
        if case .success(var contents) = response.accepted {
            let producer = contents.producer
            contents.producer = { writer in
                try await Self.$accessToken.withValue(token) { try await producer(writer) }
            }
            response.accepted = .success(contents)
        }
        return response
    }
}

extension RPCError {
    /// The status of a refusal, with the fixed text of its reason.
    public init(_ refusal: Refusal) {
        let code: RPCError.Code =
            switch refusal.httpStatus {
            case 403: .permissionDenied
            case 503: .unavailable
            default: .unauthenticated
            }
        var trailers = Metadata()
        for challenge in refusal.challenges { trailers.addString(challenge.headerValue, forKey: "www-authenticate") }
        if let seconds = refusal.retryAfter {
            let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
            trailers.addString(
                String(milliseconds.overflow ? Int.max : milliseconds.partialValue),
                forKey: "grpc-retry-pushback-ms"
            )
        }
        self.init(code: code, message: refusal.code.text, metadata: trailers)
    }
}

#else
/// Nothing without its trait: build with `traits: ["GRPC"]`.
@available(*, unavailable, message: "turn on the trait GRPC of the package BearerGuard")
public enum BearerGuardGRPCIsOff {}
#endif
