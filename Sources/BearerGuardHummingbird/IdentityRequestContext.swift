// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Hummingbird
public import BearerGuard
import BearerGuardHTTPTypes
public import Hummingbird

/// Who asks, in the application's own words.
///
/// ```swift
/// struct Customer: TokenIdentity {
///     let number: Int64
///
///     init?(_ token: AccessToken) {
///         guard let number = token.claims["customer"]?.integerValue else { return nil }
///         self.number = number
///     }
/// }
/// ```
public protocol TokenIdentity: Sendable {
    /// Reads it out of a verified token.
    ///
    /// Nil refuses the request with 401 and ``RejectionCode/invalidClaim``: the token is good, and not for this
    /// application.
    init?(_ token: AccessToken)
}

/// A request context that carries an identity beside the token that it was read from.
public protocol IdentityRequestContext: AccessTokenRequestContext {
    /// The application's own type.
    associatedtype Identity: TokenIdentity
    /// Who asks; set on every route of ``Hummingbird/RouterMethods/guarded(by:requiring:)``.
    var identity: Identity? { get set }
}

extension IdentityRequestContext {
    /// Who asks, on a route that a guard stands before.
    ///
    /// - Throws: 500 on any other, which is a mistake of the routes and not of the client.
    public func requireIdentity() throws -> Identity {
        guard let identity else { throw HTTPError(.internalServerError) }
        return identity
    }
}

/// Turns the token of an authorized request into the application's identity; stands behind a guard.
public struct IdentityMiddleware<Context: IdentityRequestContext>: RouterMiddleware {
    private let requestGuard: RequestGuard

    /// A step behind a guard.
    ///
    /// - Parameter requestGuard: in whose name a token without an identity is refused.
    public init(_ requestGuard: RequestGuard) { self.requestGuard = requestGuard }

    /// Reads the identity, if there is a token.
    public func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let token = context.accessToken else { return try await next(request, context) }
        guard let identity = Context.Identity(token) else {
            return Response(requestGuard.refusal(.invalidClaim))
        }
        var context = context
        context.identity = identity
        return try await next(request, context)
    }
}

extension RouterMethods where Context: IdentityRequestContext {
    /// Routes behind a guard that know who asks.
    ///
    /// - Parameters:
    ///   - requestGuard: decides.
    ///   - requirement: what every route of the group demands.
    public func guarded(
        by requestGuard: RequestGuard,
        requiring requirement: Requirement = .authenticated
    ) -> RouterGroup<Context> {
        group(behind: Door(requestGuard: requestGuard, requirement: requirement, isOptional: false))
            .add(middleware: IdentityMiddleware(requestGuard))
    }
}
#endif
