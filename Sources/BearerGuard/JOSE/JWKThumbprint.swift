// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The SHA-256 thumbprint of a public key (RFC 7638 §3): the same for every spelling of the key.
package enum JWKThumbprint {
    package static func sha256(_ components: PublicKeyComponents) -> String {
        let canonical: String
        switch components {
        case .rsa(let modulus, let exponent):
            canonical = #"{"e":"\#(Base64URL.encode(exponent))","kty":"RSA","n":"\#(Base64URL.encode(modulus))"}"#
        case .ec(let curve, let x, let y):
            canonical =
                #"{"crv":"\#(curve.rawValue)","kty":"EC","x":"\#(Base64URL.encode(x))","y":"\#(Base64URL.encode(y))"}"#
        case .edwards(let curve, let x):
            canonical = #"{"crv":"\#(curve.rawValue)","kty":"OKP","x":"\#(Base64URL.encode(x))"}"#
        }
        return Base64URL.encode(SHA256.hash(canonical.utf8))
    }

    /// The thumbprint of any key, public or not: of a private one it is that of its public half (RFC 7638 §3.2.1).
    package static func sha256(_ object: JSONObject) throws(KeyFault) -> String {
        if object["kty"]?.stringValue == "oct", let secret = object["k"]?.stringValue {
            let members: JSONValue = ["k": .string(secret), "kty": "oct"]
            return Base64URL.encode(SHA256.hash(members.text.utf8))
        }
        return sha256(try JWK.components(object))
    }
}
