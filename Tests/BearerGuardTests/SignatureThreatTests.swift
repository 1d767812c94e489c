// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Rows S1 to S18 of the attack catalogue: signature encodings and key mathematics.
@Suite("Threats: signatures and key mathematics")
struct SignatureThreatTests {
    private let fixture: GuardFixture
    private let input: String

    init() throws {
        fixture = try GuardFixture()
        let token = fixture.issuer.token(algorithm: .es256)
        input = String(token.prefix(upTo: token.lastIndex(of: ".") ?? token.startIndex))
    }

    private func outcome(signature: [UInt8]) async -> String {
        await fixture.outcome(input + "." + Base64URL.encode(signature))
    }

    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]

    private static func number(_ value: UInt8) -> [UInt8] { [UInt8](repeating: 0, count: 31) + [value] }

    @Test("S1: r and s of 0, 1, n and beyond are no signature")
    func degenerateECDSA() async {
        let values = [Self.number(0), Self.number(1), Self.order, [UInt8](repeating: 0xFF, count: 32)]
        for r in values {
            for s in values { #expect(await outcome(signature: r + s) == "bad_signature") }
        }
    }

    @Test("S2: a signature in DER or of any other length is refused")
    func lengthsOfECDSA() async throws {
        let good = try fixture.key(.es256).sign(Array(input.utf8))
        #expect(good.count == 64)
        #expect(await outcome(signature: good) == "authorized")
        let der: [UInt8] = [0x30, 0x44, 0x02, 0x20] + good.prefix(32) + [0x02, 0x20] + good.suffix(32)
        let huge = [UInt8](repeating: 1, count: 8_000)
        for bad in [der, good.dropLast(), good + [0], [0] + good, good + good, huge, []] {
            #expect(await outcome(signature: Array(bad)) == "bad_signature")
        }
    }

    @Test("S3: both twins of an ECDSA signature are accepted, as JWS has no low-S rule")
    func twins() async throws {
        let good = try fixture.key(.es256).sign(Array(input.utf8))
        #expect(
            await outcome(signature: Array(good.prefix(32)) + Self.subtract(Array(good.suffix(32)))) == "authorized"
        )
    }

    /// n − s.
    private static func subtract(_ s: [UInt8]) -> [UInt8] {
        var result = order
        var borrow = 0
        for index in result.indices.reversed() {
            let difference = Int(order[index]) - Int(s[index]) - borrow
            borrow = difference < 0 ? 1 : 0
            result[index] = UInt8(truncatingIfNeeded: difference)
        }
        return result
    }

    @Test(
        "S4, S5, S6: an RSA signature of another length, padding or salt is refused",
        arguments: [SignatureAlgorithm.rs256, .ps256]
    )
    func rsaSignatures(_ algorithm: SignatureAlgorithm) async throws {
        let token = fixture.issuer.token(algorithm: algorithm)
        let input = String(token.prefix(upTo: token.lastIndex(of: ".") ?? token.startIndex))
        let good = try fixture.key(algorithm).sign(Array(input.utf8))
        let bad: [[UInt8]] = [
            Array(good.dropLast()), good + [0], [0] + good, [1, 2, 3], [UInt8](repeating: 0xFF, count: good.count),
            [UInt8](repeating: 0, count: good.count),
        ]
        for signature in bad {
            #expect(await fixture.outcome(input + "." + Base64URL.encode(signature)) == "bad_signature")
        }
        // The same key used with the other padding, under this algorithm's name.
        let both = try GuardFixture(keySet: JWKSet.text(try fixture.key(algorithm).jwk.setting(["alg": nil])))
        let other: SignatureAlgorithm = algorithm == .rs256 ? .ps256 : .rs256
        let renamed = fixture.issuer.token(
            header: ["alg": .string(other.rawValue)],
            signedBy: try fixture.key(algorithm)
        )
        #expect(await both.outcome(renamed) == "bad_signature")
    }

    @Test("S6: PS256 stays PS256 after a thousand verifications of both kinds with one key")
    func paddingStays() throws {
        let key = try SigningKey(.ps256, keyID: "pss")
        let plain = try PublicKey(PublicKeyComponents(pem: key.publicPEM))
        let pss = try #require(plain.verifier(for: .ps256))
        let pkcs1 = try #require(plain.verifier(for: .rs256))
        let message: [UInt8] = Array("message".utf8)
        let signature = key.sign(message)
        var right = 0
        for _ in 0..<1000 {
            unsafe message.withUnsafeBytes { message in
                unsafe signature.withUnsafeBytes { signature in
                    if unsafe pss.isValid(signature, for: message), unsafe !pkcs1.isValid(signature, for: message) {
                        right += 1
                    }
                }
            }
        }
        #expect(right == 1000)
    }

    private func fault(_ jwk: JSONValue) throws -> KeyFault.Kind? {
        let members = try #require(jwk.objectValue)
        do throws(KeyFault) {
            _ = try JWK.read(members, origin: .fetched)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test(
        "S7, S8: an RSA exponent that is 0, 1, even, over 64 bits or padded is refused",
        arguments: [
            ("AA", .weak), ("AQ", .weak), ("Ag", .weak), ("AQAA", .weak), ("AAEAAQ", .invalid), ("AAM", .invalid),
            ("AQAAAAAAAAAB", .invalid),
        ] as [(String, KeyFault.Kind)]
    )
    func exponents(_ exponent: String, _ kind: KeyFault.Kind) throws {
        let jwk = try fixture.key(.rs256).jwk
        #expect(try fault(jwk.setting(["e": .string(exponent)])) == kind)
        #expect(try fault(jwk) == nil)
    }

    @Test("S8: an exponent of 3 is within the policy")
    func exponentThree() throws {
        #expect(try fault(fixture.key(.rs256).jwk.setting(["e": "Aw"])) == nil)
    }

    @Test("S9: RSA moduli under 2048 and over 8192 bits, even or padded are refused")
    func moduli() throws {
        let jwk = try fixture.key(.rs256).jwk
        let short = try SigningKey(.rs256, keyID: nil, bits: 1024)
        #expect(try fault(short.jwk) == .weak)
        let modulus = try #require(jwk.objectValue?["n"]?.stringValue.flatMap { Base64URL.decode($0.utf8) })
        let odd: [(bytes: [UInt8], kind: KeyFault.Kind)] = [
            ([0] + modulus, .invalid), (Array(modulus.dropLast()) + [2], .invalid), ([], .invalid),
            ([0x7F] + modulus.dropFirst(), .weak), ([UInt8](repeating: 0xFF, count: 1025), .weak),
            ([UInt8](repeating: 0xFF, count: 262_144), .weak),
        ]
        for (bytes, kind) in odd {
            #expect(try fault(jwk.setting(["n": .string(Base64URL.encode(bytes))])) == kind)
        }
    }

    @Test("S10: a modulus with the ROCA fingerprint is refused")
    func roca() throws {
        // 65537^a mod M for the product M of the primes of the fingerprint: exactly what the flawed generator leaves.
        let primes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]
        // n = 65537^127 has 2033 bits and is a power of 65537 modulo every prime; times 65537 it reaches 2049.
        var power: [UInt8] = [1]
        for _ in 0..<128 { power = Self.times65537(power) }
        #expect(power.bitWidth >= 2048)
        for prime in primes { #expect(power.reduce(0) { ($0 << 8 | Int($1)) % prime } != 0) }
        let jwk = try fixture.key(.rs256).jwk.setting(["n": .string(Base64URL.encode(power))])
        let members = try #require(jwk.objectValue)
        #expect(throws: KeyFault.weak("RSA key from a generator with a known flaw (ROCA)")) {
            try JWK.read(members, origin: .fetched)
        }
    }

    private static func times65537(_ number: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var carry = 0
        // number · (2^16 + 1), big-endian.
        let shifted = number + [0, 0]
        let padded = [UInt8](repeating: 0, count: 2) + number
        for (a, b) in zip(shifted.reversed(), padded.reversed()) {
            let sum = Int(a) + Int(b) + carry
            result.append(UInt8(truncatingIfNeeded: sum))
            carry = sum >> 8
        }
        if carry > 0 { result.append(UInt8(carry)) }
        return result.reversed()
    }

    @Test("S11: EC points off the curve, too long, too short, at infinity or with x beyond p are refused")
    func points() throws {
        let jwk = try fixture.key(.es256).jwk.setting(["alg": nil])
        let x = try #require(jwk.objectValue?["x"]?.stringValue.flatMap { Base64URL.decode($0.utf8) })
        let zero = [UInt8](repeating: 0, count: 32)
        let changes: [[String: JSONValue?]] = [
            ["y": .string(Base64URL.encode(x))], ["x": .string(Base64URL.encode([0] + x))],
            ["x": .string(Base64URL.encode(x.dropFirst()))],
            ["x": .string(Base64URL.encode(zero)), "y": .string(Base64URL.encode(zero))],
            ["x": .string(Base64URL.encode([UInt8](repeating: 0xFF, count: 32)))], ["crv": "P-384"], ["x": nil],
            ["x": "!"], ["crv": nil], ["crv": "p-256"],
        ]
        for change in changes { #expect(try fault(jwk.setting(change)) == .invalid) }
    }

    @Test("S12: Edwards keys of small order or in another than canonical form are refused")
    func smallOrder() throws {
        func key(_ curve: String, _ bytes: [UInt8]) -> JSONValue {
            ["kty": "OKP", "crv": .string(curve), "x": .string(Base64URL.encode(bytes))]
        }
        let rest = [UInt8](repeating: 0, count: 31)
        let minusOne: [UInt8] = [0xEC] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
        let prime: [UInt8] = [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]
        for bytes in [[1] + rest, [0] + rest, minusOne, Array([0] + rest.dropLast() + [0x80])] {
            #expect(try fault(key("Ed25519", bytes)) == .weak)
        }
        #expect(try fault(key("Ed25519", prime)) == .invalid)
        #expect(try fault(key("Ed25519", [0xEE] + prime.dropFirst())) == .invalid)
        let wide = [UInt8](repeating: 0, count: 56)
        #expect(try fault(key("Ed448", [1] + wide)) == .weak)
        #expect(try fault(key("Ed448", [0] + wide)) == .weak)
        #expect(try fault(key("Ed448", [UInt8](repeating: 0xFF, count: 56) + [0])) == .invalid)
        #expect(try fault(key("Ed448", [5] + wide.dropLast() + [1])) == .invalid)
    }

    @Test("S13: Ed25519 signatures of 63 and 65 bytes, or with s not reduced, are refused")
    func edwardsSignatures() async throws {
        let token = fixture.issuer.token(algorithm: .edDSA)
        let input = String(token.prefix(upTo: token.lastIndex(of: ".") ?? token.startIndex))
        let good = try fixture.key(.edDSA).sign(Array(input.utf8))
        var unreduced = good
        unreduced[63] |= 0xE0
        for bad in [Array(good.dropLast()), good + [0], unreduced] {
            #expect(await fixture.outcome(input + "." + Base64URL.encode(bad)) == "bad_signature")
        }
    }

    @Test("S14: the curve decides what EdDSA means; Ed25519 and Ed448 are names of their own, X25519 is none")
    func edwardsNames() async throws {
        let set = JWKSet.text(try fixture.key(.edDSA).jwk)
        let all = try GuardFixture(algorithms: [.edDSA, .ed25519, .ed448], keySet: set)
        let key = try fixture.key(.edDSA)
        let named = fixture.issuer.token(header: ["alg": "Ed25519"], signedBy: key)
        #expect(await all.outcome(named) == "authorized")
        #expect(await all.outcome(fixture.issuer.token(header: ["alg": "Ed448"], signedBy: key)) == "alg_mismatch")
        #expect(
            try fault(["kty": "OKP", "crv": "X25519", "x": .string(Base64URL.encode([UInt8](repeating: 9, count: 32)))])
                == .invalid
        )
    }

    @Test("S15, S17: an HMAC is compared whole, and its key comes from configuration alone")
    func hmac() async throws {
        let issuer = fixture.issuer
        let secret = try #require(SharedSecret([UInt8](repeating: 7, count: 32)))
        let policy = try ValidationPolicy(issuer: issuer.issuer, audience: [issuer.audience], algorithms: [.hs256])
        let keys = try StaticKeys(secret: secret, keyID: nil, algorithm: .hs256)
        let requestGuard = try RequestGuard(
            issuers: [TrustedIssuer(policy: policy, keys: keys)],
            clock: .fixed(UnixTime(seconds: GuardFixture.now))
        )
        let unsigned = issuer.token(header: ["alg": "HS256", "kid": nil])
        let input = String(unsigned.prefix(upTo: unsigned.lastIndex(of: ".") ?? unsigned.startIndex))
        let code = try #require(try secret.verifier(for: .hs256).authenticationCode(of: Array(input.utf8)[...]))
        func outcome(_ code: [UInt8]) async -> RejectionCode? {
            let token = "Bearer \(input).\(Base64URL.encode(code))"
            return await requestGuard.authorize(RequestCredentials(authorization: token)).refusal?.code
        }
        #expect(await outcome(code) == nil)
        #expect(await outcome(Array(code.dropLast())) == .badSignature)
        #expect(await outcome(code + [0]) == .badSignature)
        for index in code.indices {
            var changed = code
            changed[index] ^= 1
            #expect(await outcome(changed) == .badSignature)
        }
        let fetched = try RemoteKeys(jwksURL: "https://issuer.test/jwks", fetcher: ScriptedFetcher())
        #expect(throws: ConfigurationError.self) { try TrustedIssuer(policy: policy, keys: fetched) }
    }

    @Test("S16, S18: a forged token learns nothing of what was expected", arguments: TestIssuer.Flaw.allCases)
    func silence(_ flaw: TestIssuer.Flaw) async throws {
        let decision = await fixture.requestGuard.authorize(
            RequestCredentials(authorization: "Bearer \(fixture.issuer.token(with: flaw))")
        )
        let refusal = try #require(decision.refusal)
        for text in refusal.headerFields.map(\.value) {
            for secret in [fixture.issuer.issuer, fixture.issuer.audience, "user-1", "ES256-1"] {
                #expect(!text.contains(secret))
            }
        }
        // A forgery with wrong claims is refused for its signature, before any claim but the issuer is judged.
        let forger = try SigningKey(.es256, keyID: "ES256-1")
        let forged = fixture.issuer.token(changes: ["aud": "other", "exp": 1], signedBy: forger)
        #expect(await fixture.outcome(forged) == "bad_signature")
    }
}
