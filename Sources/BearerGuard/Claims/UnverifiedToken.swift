// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A token that was read and not yet trusted: its claims decide which issuer's rules apply, and nothing else.
///
/// It prints as its size. The claims are reachable only by a name that says what they are.
public struct UnverifiedToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package let jws: CompactJWS
    package let header: JOSEHeader
    /// The claims, or why they cannot be read: the header is judged first.
    package let unverifiedClaims: Result<JSONObject, JSONError>
    /// Whether the header was read before, of a token that was verified.
    package let isHeaderKnown: Bool
    /// The token as it was sent.
    package var bytes: ArraySlice<UInt8> { jws.bytes }

    /// Cuts the token, decodes it and reads its header and claims.
    package init(_ bytes: [UInt8], limit: Int = CompactJWS.tokenBytes) throws(JWSFault) {
        try self.init(bytes[...], limit: limit)
    }

    package init(_ bytes: ArraySlice<UInt8>, limit: Int = CompactJWS.tokenBytes) throws(JWSFault) {
        let jws = try CompactJWS(bytes, limit: limit)
        self.init(jws, try Self.header(of: jws), isHeaderKnown: false)
    }

    /// Reads a token whose header may be known.
    ///
    /// No initialiser, as that would count references to those that are.
    package static func read(_ bytes: ArraySlice<UInt8>, known: KnownHeaders) throws(JWSFault) -> UnverifiedToken {
        let jws = try CompactJWS(bytes)
        if let header = known.find(jws.headerSegment) { return UnverifiedToken(jws, header, isHeaderKnown: true) }
        return UnverifiedToken(jws, try header(of: jws), isHeaderKnown: false)
    }

    /// The members are all set at once: a value that is built bit by bit is copied at its end.
    private init(_ jws: CompactJWS, _ header: JOSEHeader, isHeaderKnown: Bool) {
        self.jws = jws
        self.header = header
        unverifiedClaims = Result { () throws(JSONError) in try JSONObject(tokenText: jws.payload) }
        self.isHeaderKnown = isHeaderKnown
    }

    private static func header(of jws: CompactJWS) throws(JWSFault) -> JOSEHeader {
        do throws(JWSFault) {
            return try JOSEHeader(jws.decodedHeader())
        } catch {
            // A segment went missing and the claims stand where the header should: not a header without `alg`.
            guard error == .algorithmMissing, (try? JSONObject(tokenText: jws.payload)) == nil else { throw error }
            throw .malformed("neither a header nor claims where they should be")
        }
    }

    /// `iss` as the sender claims it: picks a configured issuer, and never becomes a URL.
    package var unverifiedIssuer: JSONValue? { try? unverifiedClaims.get()[.issuer] }

    /// Whether its `iss` is this very text; quicker than making ``unverifiedIssuer``.
    package func isIssued(by issuer: String) -> Bool {
        if case .success(let claims) = unverifiedClaims { claims.hasText(issuer, at: .issuer) } else { false }
    }

    /// The size, not the token.
    public var description: String { "UnverifiedToken(\(bytes.count) bytes)" }
    /// The size, not the token.
    public var debugDescription: String { description }
    /// Has no children, so that `dump` shows no token.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}
