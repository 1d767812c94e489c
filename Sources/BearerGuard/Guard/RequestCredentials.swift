// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What a request brought, as plain values, so that any server can ask a guard.
///
/// It prints as the number of credentials, never as one of them.
public struct RequestCredentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The value of the `Authorization` field, where there is one: requests have one, and need no array for it.
    private let onlyField: String?
    /// The values where there are several.
    private let severalFields: [String]
    /// Tokens found in other places that the server chose to read.
    package let otherTokens: [String]

    /// The credentials of one request.
    ///
    /// - Parameters:
    ///   - authorization: the value of every `Authorization` field; do not join them.
    ///   - otherTokens: tokens from a form, query or cookie, only if your API takes them there (RFC 6750 §2.2, §2.3;
    ///     RFC 9700 §4.3.2 advises against it).
    public init(authorization: [String], otherTokens: [String] = []) {
        onlyField = authorization.count == 1 ? authorization.first : nil
        severalFields = authorization.count == 1 ? [] : authorization
        self.otherTokens = otherTokens
    }

    /// A request with at most one `Authorization` field.
    public init(authorization: String?) {
        onlyField = authorization
        severalFields = []
        otherTokens = []
    }

    /// The values of all `Authorization` fields, one entry a field.
    package var authorization: [String] { onlyField.map { [$0] } ?? severalFields }

    /// The value of the `Authorization` field of a request that brought nothing else.
    var onlyAuthorization: String? { otherTokens.isEmpty ? onlyField : nil }

    /// How many there are.
    var count: Int { (onlyField == nil ? severalFields.count : 1) + otherTokens.count }

    /// How many there are.
    public var description: String { "RequestCredentials(\(count))" }
    /// How many there are.
    public var debugDescription: String { description }
    /// Has no children, so that `dump` shows no token.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
