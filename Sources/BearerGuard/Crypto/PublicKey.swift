// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// A public key that passed ``KeyPolicy``: immutable, shared by every request that it verifies.
package final class PublicKey: Sendable {
    package let components: PublicKeyComponents
    private let handle: OpenSSLHandle
    /// Nil for other keys than those of RSA with the usual exponent.
    private let operation: RSAPublicOperation?

    /// Checks and builds a key.
    ///
    /// Costs milliseconds for RSA, so never on a request path.
    ///
    /// - Parameter throughProviders: whether OpenSSL must check the whole of it; otherwise ``RSAModulusProof`` may do for RSA with the
    ///   usual exponent.
    package init(
        _ components: PublicKeyComponents,
        throughProviders: Bool = PublicKey.hostChoosesProviders
    ) throws(KeyFault) {
        try KeyPolicy.check(components)
        let (built, operation) = OpenSSLErrorStack.isolated { () -> (OpenSSLHandle?, RSAPublicOperation?) in
            switch components {
            case .rsa(let modulus, let exponent):
                let operation = RSAPublicOperation(modulus: modulus, exponent: exponent)
                // Of other exponents a host's providers may have rules of their own.
                let isProved = !throughProviders && operation != nil && RSAModulusProof.succeeds(for: modulus)
                return (Self.makeRSA(modulus, exponent, isChecked: isProved), operation)
            case .ec(let curve, let x, let y): return (Self.makeEC(curve, x: x, y: y), nil)
            case .edwards(let curve, let x): return (Self.makeEdwards(curve, x: x), nil)
            }
        }
        guard let built else { throw .invalid("OpenSSL refuses the key") }
        self.components = components
        self.handle = built
        self.operation = operation
    }

    /// A verifier for `algorithm`, or nil where the key is of another type.
    ///
    /// - Parameter throughProviders: whether OpenSSL's providers must do the whole of it; otherwise RSA takes the quicker
    ///   way of ``RSASignature``.
    package func verifier(
        for algorithm: SignatureAlgorithm,
        throughProviders: Bool = PublicKey.hostChoosesProviders
    ) -> SignatureVerifier? {
        guard algorithm.fits(components.type) else { return nil }
        return SignatureVerifier(algorithm, handle, components, throughProviders ? nil : operation)
    }
}

extension PublicKey {
    /// Whether the host has OpenSSL use FIPS providers, or others than its default one.
    package static var hostChoosesProviders: Bool {
        OpenSSLErrorStack.isolated {
            unsafe EVP_default_properties_is_fips_enabled(nil) != 0 || OSSL_PROVIDER_available(nil, "default") == 0
        }
    }

    private static func makeRSA(
        _ modulus: [UInt8],
        _ exponent: [UInt8],
        isChecked: Bool
    ) -> OpenSSLHandle? {
        // OSSL_PARAM holds numbers in the machine's order of bytes.
        var n = modulus.inNativeOrder
        var e = exponent.inNativeOrder
        return unsafe n.withUnsafeMutableBufferPointer { n in
            unsafe e.withUnsafeMutableBufferPointer { e in
                unsafe make(
                    "RSA",
                    [
                        OSSL_PARAM_construct_BN(ParameterName.modulus, n.baseAddress, n.count),
                        OSSL_PARAM_construct_BN(ParameterName.exponent, e.baseAddress, e.count),
                        OSSL_PARAM_construct_end(),
                    ],
                    isChecked: isChecked
                )
            }
        }
    }

    private static func makeEC(_ curve: EllipticCurve, x: [UInt8], y: [UInt8]) -> OpenSSLHandle? {
        var point: [UInt8] = [0x04] + x + y
        var group = Array(curve.rawValue.utf8CString)
        return unsafe point.withUnsafeMutableBytes { point in
            unsafe group.withUnsafeMutableBufferPointer { group in
                unsafe make(
                    "EC",
                    [
                        OSSL_PARAM_construct_utf8_string(ParameterName.group, group.baseAddress, 0),
                        OSSL_PARAM_construct_octet_string(ParameterName.publicKey, point.baseAddress, point.count),
                        OSSL_PARAM_construct_end(),
                    ]
                )
            }
        }
    }

    private static func makeEdwards(_ curve: EdwardsCurve, x: [UInt8]) -> OpenSSLHandle? {
        unsafe OpenSSLHandle(EVP_PKEY_new_raw_public_key_ex(nil, curve.rawValue.uppercased(), nil, x, x.count)) {
            unsafe EVP_PKEY_free($0)
        }
    }

    /// Builds a key of `type` from parameters, which OpenSSL copies.
    ///
    /// - Parameter isChecked: whether everything was found out that OpenSSL would check.
    private static func make(
        _ type: String,
        _ parameters: [OSSL_PARAM],
        isChecked: Bool = false
    ) -> OpenSSLHandle? {
        var parameters = unsafe parameters
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_fromdata_init(context) == 1,
            unsafe EVP_PKEY_fromdata(context, &key, bearerguard_public_key_selection, &parameters) == 1,
            let handle = unsafe OpenSSLHandle(key, release: { unsafe EVP_PKEY_free($0) })
        else { return nil }
        if isChecked { return handle }
        guard let check = unsafe EVP_PKEY_CTX_new_from_pkey(nil, handle.pointer, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(check) }
        // Off-curve points, composite structure of n: OpenSSL's own view, on top of ours.
        return unsafe EVP_PKEY_public_check(check) == 1 ? handle : nil
    }
}

/// Names of parameters.
///
/// OpenSSL keeps the pointer and not the text, so they must be static: a Swift string passed to C is gone after the
/// call.
enum ParameterName {
    static var modulus: UnsafePointer<CChar> { unsafe pointer("n") }
    static var exponent: UnsafePointer<CChar> { unsafe pointer("e") }
    static var group: UnsafePointer<CChar> { unsafe pointer("group") }
    static var publicKey: UnsafePointer<CChar> { unsafe pointer("pub") }
    static var digest: UnsafePointer<CChar> { unsafe pointer("digest") }

    private static func pointer(_ name: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

extension [UInt8] {
    fileprivate var inNativeOrder: [UInt8] { 1.littleEndian == 1 ? reversed() : self }
}
