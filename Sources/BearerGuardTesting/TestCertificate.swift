// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import COpenSSL

/// A certificate of a new authority that nobody trusts but who is told to, for servers under test on loopback.
///
/// `@unchecked Sendable` is sound because key and certificates are never changed after `init`.
@safe public final class TestCertificate: @unchecked Sendable {
    /// What is wrong with it.
    public enum Flaw: String, Sendable, CaseIterable {
        /// It ended an hour ago.
        case expired
        /// It is for another host.
        case wrongHost
    }

    /// The authority's certificate in PEM: what a client has to trust.
    public let authorityPEM: String
    let key: SigningKey
    let certificate: OpaquePointer

    /// A certificate for 127.0.0.1 and localhost.
    ///
    /// - Parameter flaw: what is wrong with it; nil for a good one.
    /// - Throws: ``TestKeyError`` when OpenSSL makes none.
    public init(_ flaw: Flaw? = nil) throws(TestKeyError) {
        let authorityKey = try SigningKey(.es256, keyID: nil)
        let key = try SigningKey(.es256, keyID: nil)
        let names = flaw == .wrongHost ? "DNS:elsewhere.test" : "DNS:localhost,IP:127.0.0.1"
        guard
            let authority = unsafe Self.make(
                "BearerGuard test authority",
                key: authorityKey,
                issuer: nil,
                signer: authorityKey,
                lifetime: 86_400,
                extensions: [(NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign")]
            ), let pem = unsafe Self.pem(authority)
        else { throw TestKeyError(algorithm: .es256, step: "making a certificate") }
        defer { unsafe X509_free(authority) }
        guard
            let certificate = unsafe Self.make(
                "BearerGuard test server",
                key: key,
                issuer: authority,
                signer: authorityKey,
                lifetime: flaw == .expired ? -3600 : 86_400,
                extensions: [(NID_basic_constraints, "critical,CA:FALSE"), (NID_subject_alt_name, names)]
            )
        else { throw TestKeyError(algorithm: .es256, step: "making a certificate") }
        authorityPEM = pem
        self.key = key
        unsafe self.certificate = certificate
    }

    deinit { unsafe X509_free(certificate) }

    private static func make(
        _ name: String,
        key: SigningKey,
        issuer: OpaquePointer?,
        signer: SigningKey,
        lifetime: Int,
        extensions: [(Int32, String)]
    ) -> OpaquePointer? {
        guard let certificate = unsafe X509_new() else { return nil }
        unsafe X509_set_version(certificate, 2)
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int.random(in: 1...Int(Int32.max)))
        unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400)
        unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime)
        let subject = unsafe X509_get_subject_name(certificate)
        unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, Array(name.utf8), Int32(name.utf8.count), -1, 0)
        unsafe X509_set_issuer_name(certificate, issuer.map { unsafe X509_get_subject_name($0) } ?? subject)
        unsafe key.withPair { _ = unsafe X509_set_pubkey(certificate, $0) }
        for (identifier, value) in extensions {
            guard let added = unsafe X509V3_EXT_conf_nid(nil, nil, identifier, value) else { continue }
            unsafe X509_add_ext(certificate, added, -1)
            unsafe X509_EXTENSION_free(added)
        }
        let isSigned = unsafe signer.withPair { unsafe X509_sign(certificate, $0, EVP_sha256()) } > 0
        if isSigned { return unsafe certificate }
        unsafe X509_free(certificate)
        return nil
    }

    private static func pem(_ certificate: OpaquePointer) -> String? {
        guard let output = unsafe BIO_new(BIO_s_mem()) else { return nil }
        defer { unsafe BIO_free(output) }
        guard unsafe PEM_write_bio_X509(output, certificate) == 1 else { return nil }
        var start: UnsafeMutablePointer<CChar>?
        let length = unsafe bearerguard_bio_contents(output, &start)
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: length), as: UTF8.self)
    }
}
