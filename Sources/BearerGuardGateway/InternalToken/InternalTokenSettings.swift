// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// What upstreams get beside, or instead of, plain identity headers: a token of the gateway's own.
package struct InternalTokenSettings: Sendable, Hashable {
    /// The header that it is sent in.
    package var header = "X-Internal-Token"
    /// `iss`.
    package var issuer: String
    /// `aud`.
    package var audience: String
    /// Claims of the access token that are taken over.
    package var claims = ["sub", "client_id", "scope"]
    /// Seconds, never longer than the access token's own.
    package var lifetime = 60
    /// PEM of a P-256 private key; nil for a key of this process alone.
    package var keyFile: String?

    /// Claims that are the gateway's to state.
    static let ownClaims = ["iss", "aud", "exp", "iat", "nbf", "jti", "original_iss"]
}

extension PolicyReader {
    mutating func internalToken(_ value: JSONValue?) -> InternalTokenSettings? {
        guard let value else { return nil }
        let path = "gateway.internalToken"
        guard let object = value.objectValue else { return fault(path, "must be an object with issuer and audience") }
        checkNames(object, path, ["header", "issuer", "audience", "claims", "lifetimeSeconds", "keyFile"])
        for name in ["issuer", "audience"] where object[name] == nil { fault("\(path).\(name)", "is required") }
        var settings = InternalTokenSettings(
            issuer: text(object, "issuer", path) ?? "",
            audience: text(object, "audience", path) ?? ""
        )
        if let header = text(object, "header", path) {
            if let flaw = Self.flaw(ofHeader: header) { fault("\(path).header", flaw) }
            settings.header = header
        }
        if let claims = texts(object, "claims", path) {
            for name in claims where InternalTokenSettings.ownClaims.containsExactly(name) {
                fault("\(path).claims", "\(name) is the gateway's own")
            }
            settings.claims = claims
        }
        if let lifetime = object["lifetimeSeconds"] {
            if let seconds = lifetime.integerValue, (1...300).contains(seconds) {
                settings.lifetime = Int(seconds)
            } else {
                fault("\(path).lifetimeSeconds", "must be a whole number from 1 to 300")
            }
        }
        settings.keyFile = text(object, "keyFile", path)
        return settings
    }
}
#endif
