// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2) that can verify signatures.
package enum JWK {
    /// Where a key comes from decides what it may be.
    package enum Origin: Sendable {
        /// From the network: public keys alone. A secret there is anybody's.
        case fetched
        /// From a file or text that the operator gave: shared secrets are possible too.
        case local
    }

    /// Reads a key and applies every rule to it.
    package static func read(_ object: JSONObject, origin: Origin) throws(KeyFault) -> VerificationKey {
        let keyID = try text(object, "kid")
        guard let type = try text(object, "kty") else { throw .invalid("kty missing") }
        if type == "oct" {
            guard origin == .local else { throw .invalid("shared secret among public keys") }
            return try secret(object, keyID: keyID)
        }
        // Refused, not ignored: whoever published the private half has lost the key.
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] where object[name] != nil {
            throw .invalid("private members in a public key")
        }
        let components = try components(object)
        try checkUse(object)
        return try VerificationKey(
            components,
            keyID: keyID,
            algorithm: try algorithm(object),
            issuer: try text(object, "issuer")
        )
    }

    /// The numbers of the public half of a key, before policy.
    package static func components(_ object: JSONObject) throws(KeyFault) -> PublicKeyComponents {
        switch try text(object, "kty") {
        case "RSA":
            return .rsa(modulus: try bytes(object, "n"), exponent: try bytes(object, "e"))
        case "EC":
            guard let name = try text(object, "crv"), let curve = EllipticCurve(rawValue: name) else {
                throw .invalid("EC curve missing or unknown")
            }
            return .ec(curve, x: try bytes(object, "x"), y: try bytes(object, "y"))
        case "OKP":
            guard let name = try text(object, "crv"), let curve = EdwardsCurve(rawValue: name) else {
                throw .invalid("OKP curve missing or not for signatures")
            }
            return .edwards(curve, x: try bytes(object, "x"))
        case nil: throw .invalid("kty missing")
        default: throw .invalid("kty unknown")
        }
    }

    private static func secret(_ object: JSONObject, keyID: String?) throws(KeyFault) -> VerificationKey {
        let bytes = try bytes(object, "k")
        try checkUse(object)
        guard let secret = SharedSecret(bytes) else { throw .weak("HMAC secret shorter than its hash") }
        let algorithm = try algorithm(object)
        if let algorithm, !algorithm.isSymmetric { throw .unfit("alg does not fit the key's type or curve") }
        return try VerificationKey(secret, keyID: keyID, algorithm: algorithm)
    }

    /// `use` and `key_ops` (RFC 7517 §4.2, §4.3): where present they must allow verifying.
    private static func checkUse(_ object: JSONObject) throws(KeyFault) {
        if let use = try text(object, "use"), use != "sig" { throw .unfit("use is not sig") }
        guard let operations = object["key_ops"] else { return }
        guard let names = operations.stringsValue else { throw .invalid("key_ops is not an array of strings") }
        guard Set(names.map(ExactString.init)).count == names.count else { throw .invalid("key_ops names one twice") }
        guard names.containsExactly("verify") else { throw .unfit("key_ops has no verify") }
    }

    private static func algorithm(_ object: JSONObject) throws(KeyFault) -> SignatureAlgorithm? {
        guard let name = try text(object, "alg") else { return nil }
        guard let algorithm = SignatureAlgorithm(rawValue: name) else {
            throw .unfit("alg is not a signature algorithm known here")
        }
        return algorithm
    }

    private static func text(_ object: JSONObject, _ name: String) throws(KeyFault) -> String? {
        guard let value = object[name] else { return nil }
        guard let text = value.stringValue else { throw .invalid("\(name) is not a string") }
        return text
    }

    private static func bytes(_ object: JSONObject, _ name: String) throws(KeyFault) -> [UInt8] {
        guard let text = try text(object, name) else { throw .invalid("\(name) missing") }
        guard let bytes = Base64URL.decode(text.utf8) else { throw .invalid("\(name) is not base64url") }
        return bytes
    }
}
