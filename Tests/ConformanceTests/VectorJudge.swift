// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation

/// Puts one case to the library and returns the verdict's reasons: none for a valid one.
enum VectorJudge {
    static func reasons(_ vector: VectorCase) throws -> [RejectionCode] {
        switch vector.kind {
        case "jwt": return jwt(vector)
        case "jws": return jws(vector)
        case "raw": return try raw(vector)
        case "jwk": return try jwk(vector)
        case "cert": return certificate(vector)
        default: throw UnknownKind(kind: vector.kind)
        }
    }

    struct UnknownKind: Error { let kind: String }

    private static func algorithms(_ vector: VectorCase) -> Set<SignatureAlgorithm> {
        Set((vector.policy["algorithms"] as? [String] ?? []).compactMap(SignatureAlgorithm.init))
    }

    private static func keys(_ vector: VectorCase) -> KeySnapshot {
        let allowsSecrets = algorithms(vector).contains(where: \.isSymmetric)
        guard let set = try? JWKSet(vector.keySetText, origin: allowsSecrets ? .local : .fetched) else {
            return KeySnapshot(keys: [])
        }
        return KeySnapshot(set)
    }

    private static func jwt(_ vector: VectorCase) -> [RejectionCode] {
        let policy = vector.policy
        var accepted = (policy["requiredTyp"] as? [String]).map { AcceptedTokens.types($0) } ?? .uncheckedType
        var required = policy["requiredClaims"] as? [String] ?? []
        if policy["profile"] as? String == "rfc9068" {
            accepted = .rfc9068
            required += ["iss", "exp", "aud"]
        }
        let validator = TokenValidator(
            policy: .unsafeWithHoles(
                issuer: policy["issuer"] as? String,
                audience: policy["audience"] as? [String],
                algorithms: algorithms(vector),
                acceptedTokens: accepted,
                clockSkew: (policy["clockSkew"] as? NSNumber)?.intValue ?? 0,
                requiredClaims: required,
                requiresExpiration: (policy["requireExp"] as? NSNumber)?.boolValue ?? true
            ),
            binding: .bearer
        )
        let now = UnixTime(seconds: (policy["now"] as? NSNumber)?.int64Value ?? 0)
        let judgement = validator.judge(vector.tokenBytes, keys: keys(vector), at: now)
        if let finding = judgement.findings.first { return [finding.code] }
        let granted = judgement.claims.flatMap(Scopes.init(claims:)) ?? Scopes([])
        let scopes = policy["scopes"] as? [String] ?? []
        return scopes.allSatisfy(granted.contains) ? [] : [.insufficientScope]
    }

    private static func jws(_ vector: VectorCase) -> [RejectionCode] {
        let jws: CompactJWS
        let header: JOSEHeader
        do throws(JWSFault) {
            jws = try CompactJWS(vector.tokenBytes)
            header = try JOSEHeader(jws.decodedHeader())
        } catch {
            switch error {
            case .tooLarge: return [.tooLarge]
            case .malformed: return [.malformed]
            case .criticalHeader: return [.criticalHeader]
            case .algorithmMissing: return [.unsupportedAlgorithm]
            }
        }
        guard let algorithm = header.algorithm, algorithms(vector).contains(algorithm) else {
            return [.unsupportedAlgorithm]
        }
        switch TokenValidator.verify(jws, keyID: header.keyID, algorithm: algorithm, keys: keys(vector)) {
        case .success: return []
        case .failure(let rejection): return [rejection.code]
        }
    }

    private static func raw(_ vector: VectorCase) throws -> [RejectionCode] {
        let set = try JWKSet(vector.keySetText, origin: .local)
        guard let entry = set.entries.first,
            let algorithm = vector.text("alg").flatMap(SignatureAlgorithm.init),
            let message = vector.text("message").flatMap({ Base64URL.decode($0.utf8) })
        else { return [.malformed] }
        guard let signature = vector.text("signature").flatMap({ Base64URL.decode($0.utf8) }) else {
            return [.malformed]
        }
        let key: VerificationKey
        switch entry.key {
        case .success(let usable): key = usable
        case .failure(let fault):
            switch fault.kind {
            case .invalid: return [.invalidKey]
            case .weak: return [.weakKey]
            case .unfit: return [.algorithmMismatch]
            }
        }
        guard let verifier = key.verifier(for: algorithm) else { return [.algorithmMismatch] }
        let isValid = unsafe message.withUnsafeBytes { message in
            unsafe signature.withUnsafeBytes { unsafe verifier.isValid($0, for: message) }
        }
        return isValid ? [] : [.badSignature]
    }

    private static func jwk(_ vector: VectorCase) throws -> [RejectionCode] {
        let data = try JSONSerialization.data(withJSONObject: vector.members["jwk"] ?? [:])
        let object = try JSONDocument.object(Array(data), limits: .keySet)
        let thumbprint: String
        do {
            thumbprint = try JWKThumbprint.sha256(object)
        } catch {
            return [.invalidKey]
        }
        guard let expected = vector.text("thumbprint") else { return [] }
        return thumbprint == expected ? [] : [.invalidKey]
    }

    private static func certificate(_ vector: VectorCase) -> [RejectionCode] {
        let bytes = vector.text("certificate").flatMap { Data(base64Encoded: $0) } ?? Data()
        return Base64URL.encode(SHA256.hash(bytes)) == vector.text("thumbprint") ? [] : [.confirmationMismatch]
    }
}
