// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import BenchmarkLoad
import JWTKit

/// The same work by vapor/jwt-kit: split, key by `kid`, algorithm, signature, iss, aud, exp, scope.
struct JWTKitVerifier {
    struct Payload: JWTPayload {
        let iss: IssuerClaim
        let aud: AudienceClaim
        let exp: ExpirationClaim
        let scp: [String]
        let groups: [String]

        func verify(using algorithm: some JWTAlgorithm) throws {
            try exp.verifyNotExpired()
            try aud.verifyIntendedAudience(includes: "api://orders")
            guard iss.value == "https://dev-123456.okta.com/oauth2/default", scp.contains("orders:read") else {
                throw BenchmarkError("wrong issuer or scope")
            }
        }
    }

    private let keys = JWTKeyCollection()
    private let token: String

    init(_ load: Workload) async throws {
        token = load.token
        let kid = load.key.keyID.map { JWKIdentifier(string: $0) }
        switch load.algorithm {
        case .rs256:
            await keys.add(rsa: try Insecure.RSA.PublicKey(pem: load.key.publicPEM), digestAlgorithm: .sha256, kid: kid)
        case .ps256:
            await keys.add(pss: try Insecure.RSA.PublicKey(pem: load.key.publicPEM), digestAlgorithm: .sha256, kid: kid)
        case .es256: await keys.add(ecdsa: try ES256PublicKey(pem: load.key.publicPEM), kid: kid)
        default:
            let x = load.key.jwk.objectValue?["x"]?.stringValue ?? ""
            await keys.add(eddsa: try EdDSA.PublicKey(x: x, curve: .ed25519), kid: kid)
        }
    }

    func verify() async throws { _ = try await keys.verify(token, as: Payload.self) }
}
