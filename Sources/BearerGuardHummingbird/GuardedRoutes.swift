// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Hummingbird
import BearerGuard
import BearerGuardHTTPTypes
import HTTPTypes
import Hummingbird

/// What stands before routes: a guard and what it is asked.
struct Door: Sendable {
    let requestGuard: RequestGuard
    let requirement: Requirement
    let isOptional: Bool

    /// The decision about a request.
    func decision(_ credentials: RequestCredentials) async -> Decision {
        isOptional
            ? await requestGuard.authorizeIfPresent(credentials, requiring: requirement)
            : await requestGuard.authorize(credentials, requiring: requirement)
    }
}

extension AccessTokenRequestContext {
    /// Takes the token of a decision; the refusal where there is one.
    mutating func note(_ decision: consuming Decision) -> Refusal? {
        switch decision {
        case .authorized(let token): accessToken = token
        case .anonymous: accessToken = nil
        case .refused(let refusal): return refusal
        }
        return nil
    }
}

extension Response {
    /// Status and challenges, and nothing more.
    init(_ refusal: Refusal) { self.init(status: refusal.status, headers: refusal.fields) }
}

extension RouterMethods where Context: AccessTokenRequestContext {
    /// Routes behind a guard.
    func group(behind door: Door) -> RouterGroup<Context> { GuardedRoutes(parent: self, door: door).group() }
}

/// Routes that have a door of their own each, so that a request takes one step and not the three of a middleware.
private struct GuardedRoutes<Context: AccessTokenRequestContext>: RouterMethods {
    let parent: any RouterMethods<Context>
    let door: Door

    func on<Responder: HTTPResponder>(
        _ path: RouterPath,
        method: HTTPRequest.Method,
        responder: Responder
    ) -> Self where Responder.Context == Context {
        parent.on(path, method: method, responder: GuardedResponder(door: door, next: responder))
        return self
    }

    /// In front of the door; behind it is that of the group as which routes are handed out.
    func add(middleware: any MiddlewareProtocol<Request, Response, Context>) -> Self {
        GuardedRoutes(parent: parent.group().add(middleware: middleware), door: door)
    }
}

private struct GuardedResponder<Next: HTTPResponder>: HTTPResponder where Next.Context: AccessTokenRequestContext {
    let door: Door
    let next: Next

    func respond(to request: Request, context: Next.Context) async throws -> Response {
        var context = context
        let credentials = RequestCredentials(request.headers)
        // No frame is made for a wait that a token seen before does not have.
        let refusal =
            if let decision = door.requestGuard.recall(credentials, requiring: door.requirement) {
                context.note(decision)
            } else {
                context.note(await door.decision(credentials))
            }
        if let refusal { return Response(refusal) }
        return try await next.respond(to: request, context: context)
    }
}
#endif
