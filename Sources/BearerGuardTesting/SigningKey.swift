// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import COpenSSL

/// A key pair that signs tokens, made by OpenSSL: those of tests, and those that the auth service makes for upstreams.
///
/// What a generated one signs is worth nothing after the process: it is not stored.
///
/// `@unchecked Sendable` is sound because the pair is never changed after `init`; OpenSSL documents signing with one
/// key from several threads as safe when each uses a context of its own, which ``sign(_:)`` does.
@safe public final class SigningKey: @unchecked Sendable {
    /// The algorithm that it signs with.
    public let algorithm: SignatureAlgorithm
    /// `kid`; nil for none.
    public let keyID: String?
    /// The members of the public JWK, or of the secret one for an HMAC.
    public let jwk: JSONValue
    /// The public key in PEM; empty for an HMAC secret.
    public let publicPEM: String
    private let pair: OpaquePointer?
    private let secret: [UInt8]

    /// Generates a key.
    ///
    /// - Parameters:
    ///   - algorithm: what it signs with.
    ///   - keyID: its `kid`.
    ///   - bits: the size of an RSA modulus; too small ones are possible on purpose.
    ///   - exponent: the public exponent of an RSA key.
    /// - Throws: ``TestKeyError`` when OpenSSL offers no such key.
    public init(
        _ algorithm: SignatureAlgorithm,
        keyID: String?,
        bits: Int32 = 2048,
        exponent: UInt = 65537
    ) throws(TestKeyError) {
        self.algorithm = algorithm
        self.keyID = keyID
        if algorithm.isSymmetric {
            var generator = SystemRandomNumberGenerator()
            let secret = (0..<64).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            self.secret = secret
            unsafe pair = nil
            publicPEM = ""
            jwk = Self.publish(
                ["kty": "oct", "k": .string(Base64URL.encode(secret))],
                keyID: keyID,
                algorithm: algorithm
            )
            return
        }
        guard let pair = unsafe Self.generate(algorithm, bits: bits, exponent: exponent) else {
            throw TestKeyError(algorithm: algorithm, step: "generating it")
        }
        guard let pem = unsafe Self.publicPEM(of: pair),
            let components = unsafe PublicKeyComponents.components(of: pair)
        else {
            unsafe EVP_PKEY_free(pair)
            throw TestKeyError(algorithm: algorithm, step: "reading its numbers")
        }
        unsafe self.pair = pair
        secret = []
        publicPEM = pem
        jwk = Self.publish(Self.members(of: components), keyID: keyID, algorithm: algorithm)
    }

    /// A P-256 key for ES256, named by its thumbprint: read from PEM, or generated where that is nil.
    ///
    /// - Throws: ``TestKeyError`` when the text holds no such private key, or only with a passphrase.
    package init(privateES256PEM pem: [UInt8]?) throws(TestKeyError) {
        algorithm = .es256
        let read = unsafe pem.map { unsafe Self.privateKey(pem: $0) } ?? Self.generate(.es256, bits: 0, exponent: 0)
        guard let pair = unsafe read else { throw TestKeyError(algorithm: .es256, step: "reading it") }
        guard let publicPEM = unsafe Self.publicPEM(of: pair),
            let components = unsafe PublicKeyComponents.components(of: pair), case .ec(.p256, _, _) = components
        else {
            unsafe EVP_PKEY_free(pair)
            throw TestKeyError(algorithm: .es256, step: "finding P-256 in it")
        }
        unsafe self.pair = pair
        secret = []
        self.publicPEM = publicPEM
        keyID = JWKThumbprint.sha256(components)
        jwk = Self.publish(Self.members(of: components), keyID: keyID, algorithm: .es256)
    }

    deinit { unsafe EVP_PKEY_free(pair) }

    /// The signature of `message`, in the form that a JWS carries; empty when OpenSSL fails.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        if algorithm.isSymmetric {
            let verifier = SharedSecret(secret).flatMap { try? $0.verifier(for: algorithm) }
            return verifier?.authenticationCode(of: message[...]) ?? []
        }
        guard let context = unsafe EVP_MD_CTX_new() else { return [] }
        defer { unsafe EVP_MD_CTX_free(context) }
        var keyContext: OpaquePointer?
        guard
            unsafe EVP_DigestSignInit_ex(context, &keyContext, algorithm.digestName, nil, nil, pair, nil) == 1
        else { return [] }
        if algorithm.isPSS {
            unsafe EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING)
            unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST)
        }
        var length = 1024
        var signature = [UInt8](repeating: 0, count: length)
        guard unsafe EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else { return [] }
        signature.removeLast(signature.count - length)
        guard let half = algorithm.coordinateBytes else { return signature }
        return Self.raw(der: signature, half: half)
    }

    /// The RSA signature that stands for `encodedMessage` as it is, whatever it is; empty for one that is not as long as
    /// the modulus or not below it.
    package func sign(encodedMessage: [UInt8]) -> [UInt8] {
        unsafe transform(encodedMessage, EVP_PKEY_sign_init, EVP_PKEY_sign)
    }

    /// What an RSA signature stands for; empty when OpenSSL fails.
    package func encodedMessage(of signature: [UInt8]) -> [UInt8] {
        unsafe transform(signature, EVP_PKEY_verify_recover_init, EVP_PKEY_verify_recover)
    }

    /// One RSA operation without any padding.
    private func transform(
        _ input: [UInt8],
        _ start: (OpaquePointer?) -> Int32,
        _ operation: (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int>?, UnsafePointer<UInt8>?, Int
        )
            -> Int32
    ) -> [UInt8] {
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, pair, nil) else { return [] }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var length = input.count
        var output = [UInt8](repeating: 0, count: length)
        guard unsafe start(context) == 1, unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1,
            unsafe operation(context, &output, &length, input, input.count) == 1, length == output.count
        else { return [] }
        return output
    }

    /// Lends the key pair to OpenSSL; nil for an HMAC.
    func withPair<Value>(_ body: (OpaquePointer?) -> Value) -> Value { unsafe body(pair) }

    private static func publish(_ members: JSONValue, keyID: String?, algorithm: SignatureAlgorithm) -> JSONValue {
        let object: [JSONObject.Member] = members.objectValue?.members ?? []
        var published: [(String, JSONValue)] = object.map { ($0.name, $0.value) }
        if let keyID { published.append(("kid", .string(keyID))) }
        published += [("use", "sig"), ("alg", .string(algorithm.rawValue))]
        return .object(published)
    }
}

/// OpenSSL could not make a test key or certificate.
public struct TestKeyError: Error, Sendable, CustomStringConvertible {
    /// The algorithm that was asked for.
    public let algorithm: SignatureAlgorithm
    /// What failed, with OpenSSL's reason.
    public let description: String

    init(algorithm: SignatureAlgorithm, step: String) {
        self.algorithm = algorithm
        let reason = unsafe ERR_reason_error_string(ERR_peek_last_error()).map { unsafe String(cString: $0) }
        description = "\(algorithm.rawValue) key: \(step): \(reason ?? "no reason given")"
    }
}

extension SigningKey {
    private static func generate(_ algorithm: SignatureAlgorithm, bits: Int32, exponent: UInt) -> OpaquePointer? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, algorithm.keyTypeName, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_keygen_init(context) == 1 else { return nil }
        if algorithm.keyTypeName == "RSA" {
            let number = unsafe BN_new()
            defer { unsafe BN_free(number) }
            guard unsafe BN_set_word(number, exponent) == 1,
                unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1,
                unsafe EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, number) == 1
            else { return nil }
            // Of two primes OpenSSL makes a modulus of an even number of bits, whatever it is asked for.
            if bits % 2 == 1 { unsafe EVP_PKEY_CTX_set_rsa_keygen_primes(context, 3) }
        }
        if let curve = algorithm.curveName { unsafe EVP_PKEY_CTX_set_group_name(context, curve) }
        var pair: OpaquePointer?
        return unsafe EVP_PKEY_generate(context, &pair) == 1 ? pair : nil
    }

    private static func privateKey(pem: [UInt8]) -> OpaquePointer? {
        guard let input = unsafe BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
        defer { unsafe BIO_free(input) }
        // Nobody is there to be asked for a passphrase.
        return unsafe PEM_read_bio_PrivateKey(input, nil, { _, _, _, _ in 0 }, nil)
    }

    private static func publicPEM(of pair: OpaquePointer) -> String? {
        guard let output = unsafe BIO_new(BIO_s_mem()) else { return nil }
        defer { unsafe BIO_free(output) }
        guard unsafe PEM_write_bio_PUBKEY(output, pair) == 1 else { return nil }
        var start: UnsafeMutablePointer<CChar>?
        let length = unsafe bearerguard_bio_contents(output, &start)
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }

    private static func members(of components: PublicKeyComponents) -> JSONValue {
        func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64URL.encode(bytes)) }
        switch components {
        case .rsa(let modulus, let exponent): return ["kty": "RSA", "n": text(modulus), "e": text(exponent)]
        case .ec(let curve, let x, let y):
            return ["kty": "EC", "crv": .string(curve.rawValue), "x": text(x), "y": text(y)]
        case .edwards(let curve, let x): return ["kty": "OKP", "crv": .string(curve.rawValue), "x": text(x)]
        }
    }

    /// R‖S out of OpenSSL's DER.
    private static func raw(der: [UInt8], half: Int) -> [UInt8] {
        unsafe der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            guard let signature = unsafe d2i_ECDSA_SIG(nil, &cursor, buffer.count) else { return [] }
            defer { unsafe ECDSA_SIG_free(signature) }
            var raw = [UInt8](repeating: 0, count: 2 * half)
            unsafe raw.withUnsafeMutableBufferPointer { raw in
                guard let start = raw.baseAddress else { return }
                unsafe BN_bn2binpad(ECDSA_SIG_get0_r(signature), start, Int32(half))
                unsafe BN_bn2binpad(ECDSA_SIG_get0_s(signature), start + half, Int32(half))
            }
            return raw
        }
    }
}

extension SignatureAlgorithm {
    fileprivate var keyTypeName: String {
        switch self {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: "RSA"
        case .es256, .es384, .es512, .es256k: "EC"
        case .ed448: "ED448"
        case .edDSA, .ed25519: "ED25519"
        case .hs256, .hs384, .hs512: "HMAC"
        }
    }

    fileprivate var curveName: String? {
        switch self {
        case .es256: "P-256"
        case .es384: "P-384"
        case .es512: "P-521"
        case .es256k: "secp256k1"
        default: nil
        }
    }

    fileprivate var coordinateBytes: Int? { curveName.flatMap(EllipticCurve.init)?.coordinateBytes }

    fileprivate var isPSS: Bool { self == .ps256 || self == .ps384 || self == .ps512 }

    fileprivate var digestName: String? {
        switch self {
        case .edDSA, .ed25519, .ed448: nil
        default: "SHA" + rawValue.filter(\.isNumber)
        }
    }
}
