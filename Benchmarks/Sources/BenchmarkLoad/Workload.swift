// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

package import BearerGuard
package import BearerGuardTesting
import CRawOpenSSL
import Foundation

/// One token as Okta issues them, with 5 scopes and 10 groups, and everything that verifies it.
package struct Workload {
    package let algorithm: SignatureAlgorithm
    package let issuer: TestIssuer
    package let key: SigningKey
    package let token: String
    package let raw: RawVerification
    package let requirement = Requirement.scopes("orders:read")

    package init(_ algorithm: SignatureAlgorithm) throws {
        self.algorithm = algorithm
        issuer = try TestIssuer(
            issuer: "https://dev-123456.okta.com/oauth2/default",
            audience: "api://orders",
            algorithms: [algorithm]
        )
        if algorithm == .ps256 {
            issuer.replace(.ps256, by: try SigningKey(.ps256, keyID: "ps256-3072", bits: 3072))
        }
        guard let key = issuer.signingKey() else { throw BenchmarkError("no key for \(algorithm.rawValue)") }
        self.key = key
        token = Self.token(issuer, number: 0)
        raw = try RawVerification(token, key: key, algorithm: algorithm)
    }

    /// A token with the signature of another one: as a number it is below the modulus, as one of another key would not always
    /// be, which is refused at once.
    package var tokenOfAnotherSignature: String {
        let other = Self.token(issuer, number: 1).split(separator: ".").last ?? ""
        return token.split(separator: ".").dropLast().joined(separator: ".") + "." + other
    }

    /// Claims that make a token about so many bytes longer; none where that is not longer.
    package static func padding(_ bytes: Int) -> [String: JSONValue?] {
        let padding = max(0, bytes * 3 / 4 - 16)
        // Texts are at most 8 KiB, so that they are several.
        let texts = stride(from: 0, to: padding, by: 4000).map { start in
            JSONValue.string(String(repeating: "x", count: min(4000, padding - start)))
        }
        return texts.isEmpty ? [:] : ["pad": .array(texts)]
    }

    package static func token(_ issuer: TestIssuer, number: Int, header: [String: JSONValue?] = [:]) -> String {
        let groups = (0..<10).map { JSONValue.string("group-\($0)-of-the-company") }
        return issuer.token(
            lifetime: 86_400,
            changes: [
                "ver": 1, "cid": "0oa1b2c3d4E5f6G7h8i9", "uid": "00u1a2b3c4D5e6F7g8h9", "client_id": nil, "scope": nil,
                "scp": ["openid", "profile", "orders:read", "orders:write", "offline_access"],
                "groups": .array(groups), "auth_time": 1_700_000_000, "sub": .string("user-\(number)@example.com"),
            ],
            header: header
        )
    }

    package func makeGuard(cache: TokenCacheLimits, keySet: String? = nil) throws -> RequestGuard {
        let policy = try ValidationPolicy(
            issuer: issuer.issuer,
            audience: [issuer.audience],
            algorithms: [algorithm],
            preset: .okta
        )
        let keys = try StaticKeys(JWKSet((keySet ?? issuer.keySet).utf8))
        return try RequestGuard(issuers: [try TrustedIssuer(policy: policy, keys: keys)], tokenCache: cache)
    }
}

package struct BenchmarkError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// The limit, in C.
///
/// `@unchecked Sendable` is sound as long as one thread at a time verifies, which is how it is measured.
package final class RawVerification: @unchecked Sendable {
    private let prepared: OpaquePointer

    package init(_ token: String, key: SigningKey, algorithm: SignatureAlgorithm) throws {
        let segments = token.split(separator: ".")
        guard segments.count == 3, let sent = Self.decode(segments[2]) else {
            throw BenchmarkError("not a token")
        }
        let signature = algorithm == .es256 ? sent.withUnsafeBytes { ECDSADER.encode($0) } : sent
        let message = Array("\(segments[0]).\(segments[1])".utf8)
        guard
            let prepared = raw_prepare(
                key.publicPEM,
                algorithm == .ps256 ? 1 : 0,
                algorithm == .edDSA ? 1 : 0,
                message,
                message.count,
                signature,
                signature.count
            )
        else { throw BenchmarkError("OpenSSL prepares nothing for \(algorithm.rawValue)") }
        self.prepared = prepared
    }

    deinit { raw_free(prepared) }

    private static func decode(_ text: Substring) -> [UInt8]? {
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - base64.count % 4) % 4)
        return Data(base64Encoded: base64 + padding).map(Array.init)
    }

    package func verify() -> Bool { raw_verify(prepared) == 1 }

    /// The signature alone, the library's own way, in C; for RS256.
    package func verifyBare() -> Bool { raw_verify_bare(prepared) == 1 }
}

/// R‖S as DER, apart from the library's own so that the limit shares no code with it.
enum ECDSADER {
    static func encode(_ raw: UnsafeRawBufferPointer) -> [UInt8] {
        func integer(_ half: some Sequence<UInt8>) -> [UInt8] {
            let digits = Array(half.drop { $0 == 0 })
            let padded = (digits.first ?? 0x80) & 0x80 != 0 ? [0] + digits : digits
            return [0x02, UInt8(padded.count)] + padded
        }
        let half = raw.count / 2
        let body = integer(raw[..<half]) + integer(raw[half...])
        return [0x30, UInt8(body.count)] + body
    }
}

/// A benchmark of work that fails measures nothing.
package func check(_ isRight: Bool) throws {
    if !isRight { throw BenchmarkError("a good token was refused, or a bad one was not") }
}
