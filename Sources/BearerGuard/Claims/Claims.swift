// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The claims of a token (RFC 7519 §4), typed where a standard gives them a type.
///
/// Reached through an ``AccessToken`` they are verified. A claim of the wrong type never gets that far: it refuses the
/// token.
public struct Claims: Sendable, Hashable {
    /// Every claim as it was sent.
    public let object: JSONObject

    package init(_ object: JSONObject) {
        self.object = object
    }

    /// `iss`: who issued the token (RFC 7519 §4.1.1).
    public var issuer: String? { object[.issuer]?.stringValue }
    /// `sub`: whom it speaks of (RFC 7519 §4.1.2).
    public var subject: String? { object[.subject]?.stringValue }
    /// `aud`: whom it is meant for, one or several (RFC 7519 §4.1.3).
    public var audience: [String] {
        guard let claim = object[.audience] else { return [] }
        return claim.stringValue.map { [$0] } ?? claim.stringsValue ?? []
    }
    /// `exp`: when it ends (RFC 7519 §4.1.4).
    public var expiration: UnixTime? { object[.expiration].flatMap(UnixTime.init) }
    /// `nbf`: when it begins (RFC 7519 §4.1.5).
    public var notBefore: UnixTime? { object[.notBefore].flatMap(UnixTime.init) }
    /// `iat`: when it was issued (RFC 7519 §4.1.6).
    public var issuedAt: UnixTime? { object[.issuedAt].flatMap(UnixTime.init) }
    /// `jti`: the token's own identifier (RFC 7519 §4.1.7).
    public var tokenID: String? { object[.tokenID]?.stringValue }
    /// The client that the token was issued to: `client_id` (RFC 9068), else `cid` (Okta), `azp` or `appid` (Entra).
    public var clientID: String? {
        Self.clientMembers.lazy.compactMap { object[$0]?.stringValue }.first
    }
    /// The union of `scope` and `scp`.
    public var scopes: Scopes { Scopes(claims: object) ?? Scopes([]) }

    /// Any claim by its name.
    public subscript(name: String) -> JSONValue? { object[name] }

    /// Any claim by its path.
    public subscript(path: ClaimPath) -> JSONValue? { path.value(in: object) }

    /// The texts at the given paths, a string counting as one: roles, groups, permissions.
    public func texts(at paths: [ClaimPath]) -> [String] {
        paths.flatMap { path -> [String] in
            guard let value = path.value(in: object) else { return [] }
            return value.stringValue.map { [$0] } ?? value.arrayValue?.compactMap(\.stringValue) ?? []
        }
    }

    /// Decodes all claims into a type of your own.
    ///
    /// - Throws: `DecodingError` where a claim is missing or has another type; its text holds no claim value.
    public func decode<Decoded: Decodable>(_ type: Decoded.Type = Decoded.self) throws -> Decoded {
        try JSONValue.object(object).decode(type)
    }

    /// In this order, the first that is there counts.
    package static let clientMembers: [TokenMember] = [.clientID, .oktaClientID, .authorizedParty, .applicationID]
}
