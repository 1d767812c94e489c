// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard
import BearerGuardTesting

/// Signs short-lived tokens (RFC 9068, ES256) that tell upstreams whom the gateway let pass, so that they need not trust
/// plain headers.
package final class InternalTokenIssuer: Sendable {
    package let settings: InternalTokenSettings
    private let key: SigningKey
    /// The key that signed before; nil where there was none.
    private let retired: SigningKey?
    /// The public keys: the one that signs, and one that did before.
    package let keySet: String
    private let header: String

    /// An issuer.
    ///
    /// - Parameters:
    ///   - settings: what to state.
    ///   - directory: where a relative file name starts.
    ///   - previous: the issuer until now: without a file its key is kept, and with another one it is published on.
    /// - Throws: ``ConfigurationError`` when the key cannot be read or made.
    package init(
        _ settings: InternalTokenSettings,
        relativeTo directory: String,
        previous: InternalTokenIssuer?
    ) throws(ConfigurationError) {
        self.settings = settings
        key = try Self.key(settings, directory, previous)
        // Whatever else changes, tokens of the key before may still be on their way.
        retired = key.keyID == previous?.key.keyID ? previous?.retired : previous?.key
        keySet = JSONValue.object([("keys", .array([key.jwk] + (retired.map { [$0.jwk] } ?? [])))]).text
        header = Self.segment(["alg": "ES256", "kid": .string(key.keyID ?? ""), "typ": "at+jwt"])
    }

    private static func key(
        _ settings: InternalTokenSettings,
        _ directory: String,
        _ previous: InternalTokenIssuer?
    ) throws(ConfigurationError) -> SigningKey {
        do {
            guard let file = settings.keyFile else {
                if let previous, previous.settings.keyFile == nil { return previous.key }
                return try SigningKey(privateES256PEM: nil)
            }
            let path = file.hasPrefix("/") || directory.isEmpty ? file : "\(directory)/\(file)"
            return try SigningKey(privateES256PEM: try LocalFile.read(path, limit: 64 * 1024))
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError("gateway.internalToken.keyFile: no P-256 private key in PEM")
        }
    }

    /// A token for upstreams, of one that was verified; nil where it cannot be signed.
    package func token(for token: AccessToken, at now: UnixTime) -> String? {
        let end = now.advanced(by: Int64(settings.lifetime))
        var claims: [(String, JSONValue)] = [
            ("iss", .string(settings.issuer)), ("aud", .string(settings.audience)), ("iat", .integer(now.seconds)),
            ("exp", .integer(min(end, token.claims.expiration ?? end).seconds)),
            ("jti", .string(Base64URL.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }))),
            ("original_iss", .string(token.issuer)),
        ]
        for name in settings.claims {
            switch name {
            case "scope":
                let scopes = token.scopes.values
                if !scopes.isEmpty { claims.append(("scope", .string(scopes.joined(separator: " ")))) }
            case "client_id": if let client = token.clientID { claims.append((name, .string(client))) }
            default: if let value = token.claims[ClaimPath(names: [name])] { claims.append((name, value)) }
            }
        }
        let input = "\(header).\(Self.segment(.object(claims)))"
        let signature = key.sign(Array(input.utf8))
        return signature.isEmpty ? nil : "\(input).\(Base64URL.encode(signature))"
    }

    private static func segment(_ value: JSONValue) -> String { Base64URL.encode(value.text.utf8) }
}
#endif
