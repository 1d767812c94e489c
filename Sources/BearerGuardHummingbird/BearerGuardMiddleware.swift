// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Hummingbird
public import BearerGuard
import BearerGuardHTTPTypes
import HTTPTypes
public import Hummingbird

/// A request context that carries the verified token.
///
/// ```swift
/// struct AppContext: AccessTokenRequestContext {
///     var coreContext: CoreRequestContextStorage
///     var accessToken: AccessToken?
///     init(source: Source) { coreContext = .init(source: source) }
/// }
/// ```
public protocol AccessTokenRequestContext: RequestContext {
    /// The token of an authorized request; nil on a route where it is optional and none was sent.
    var accessToken: AccessToken? { get set }
}

/// A context with nothing but the token.
public struct BasicAccessTokenRequestContext: AccessTokenRequestContext {
    /// What Hummingbird needs.
    public var coreContext: CoreRequestContextStorage
    /// The verified token.
    public var accessToken: AccessToken?

    /// A context for one request.
    public init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}

/// Lets requests through that a guard authorizes, and answers the others with status, challenge and nothing more.
public struct BearerGuardMiddleware<Context: AccessTokenRequestContext>: RouterMiddleware {
    private let door: Door

    /// A door for a router or a group of routes.
    ///
    /// - Parameters:
    ///   - requestGuard: decides.
    ///   - requirement: what every route behind it demands.
    ///   - isOptional: whether requests without any credential pass as anonymous; a bad token is refused all the same.
    public init(
        _ requestGuard: RequestGuard,
        requiring requirement: Requirement = .authenticated,
        isOptional: Bool = false
    ) {
        door = Door(requestGuard: requestGuard, requirement: requirement, isOptional: isOptional)
    }

    /// Decides about one request.
    public func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        let decision = await door.decision(RequestCredentials(request.headers))
        if let refusal = context.note(decision) { return Response(refusal) }
        return try await next(request, context)
    }
}

extension RouterMethods where Context: AccessTokenRequestContext {
    /// Routes behind a guard, with less between a request and its route than behind a ``BearerGuardMiddleware``.
    ///
    /// Middleware that is added to the group runs behind the guard, and middleware that the group was made behind before
    /// it.
    ///
    /// - Parameters:
    ///   - requestGuard: decides.
    ///   - requirement: what every route of the group demands.
    public func guarded(
        by requestGuard: RequestGuard,
        requiring requirement: Requirement = .authenticated
    ) -> RouterGroup<Context> {
        group(behind: Door(requestGuard: requestGuard, requirement: requirement, isOptional: false))
    }
}

extension RouterMethods {
    /// A public route that tells clients where to get tokens for the API (RFC 9728 §3).
    ///
    /// - Parameter resource: the description, which the guard of the routes was made with too, so that its challenges name
    ///   this route.
    @discardableResult
    public func metadata(of resource: ProtectedResource) -> Self {
        get(RouterPath(resource.path)) { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json", .cacheControl: "max-age=3600"],
                body: .init(byteBuffer: ByteBuffer(string: resource.document.text))
            )
        }
    }
}

#else
/// Nothing without its trait: build with `traits: ["Hummingbird"]`.
@available(*, unavailable, message: "turn on the trait Hummingbird of the package BearerGuard")
public enum BearerGuardHummingbirdIsOff {}
#endif
