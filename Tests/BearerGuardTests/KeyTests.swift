// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

@Suite("Keys")
struct KeyTests {
    @Test("Every algorithm verifies what its key signed, and nothing else", arguments: SignatureAlgorithm.allCases)
    func roundTrip(_ algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey(algorithm, keyID: "k")
        let set = try JWKSet(JWKSet.text(key.jwk).utf8, allowingSecrets: true)
        let verifier = try #require(KeySnapshot(set).keys.first?.verifier(for: algorithm))
        let message: [UInt8] = Array("message".utf8)
        let signature = key.sign(message)
        func isValid(_ signature: [UInt8], _ message: [UInt8]) -> Bool {
            unsafe message.withUnsafeBytes { message in
                unsafe signature.withUnsafeBytes { unsafe verifier.isValid($0, for: message) }
            }
        }
        #expect(isValid(signature, message))
        #expect(!isValid(signature, message + [0]))
        #expect(!isValid(signature, []))
        #expect(!isValid([], message))
        #expect(!isValid(signature + [0], message))
        // A refusal must leave nothing behind that spoils the next verification, or the host's own use of OpenSSL.
        #expect(isValid(signature, message))
        #expect(OpenSSLErrors.count == 0)
    }

    @Test(
        "A public key is the same from JWK and from PEM",
        arguments: [SignatureAlgorithm.rs256, .es256, .es384, .es512, .es256k, .ed25519, .ed448]
    )
    func pem(_ algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey(algorithm, keyID: "k")
        let members = try #require(key.jwk.objectValue)
        let fromPEM = try PublicKeyComponents(pem: key.publicPEM)
        #expect(try JWK.components(members) == fromPEM)
        #expect(try JWKThumbprint.sha256(members) == JWKThumbprint.sha256(fromPEM))
        #expect(throws: Never.self) { try StaticKeys(pem: key.publicPEM, keyID: nil, algorithm: algorithm) }
        #expect(throws: ConfigurationError.self) { try StaticKeys(pem: key.publicPEM, keyID: nil, algorithm: .hs256) }
    }

    @Test(
        "A PEM text that is private, cut or something else is refused",
        arguments: [
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\nMC4C\n-----END PUBLIC KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nMC4C\n-----END CERTIFICATE-----\n",
            "hello", "",
        ]
    )
    func badPEM(_ text: String) {
        #expect(throws: ConfigurationError.self) { try StaticKeys(pem: text, keyID: nil, algorithm: .es256) }
        #expect(OpenSSLErrors.count == 0)
    }

    @Test("The thumbprint of RFC 7638 section 3.1 is found")
    func thumbprint() throws {
        let jwk: JSONValue = [
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": .string(
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
                    + "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
                    + "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
                    + "kEgU8awapJzKnqDKgw"
            ),
        ]
        let members = try #require(jwk.objectValue)
        #expect(try JWKThumbprint.sha256(members) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    }

    @Test(
        "A set that is none at all is refused with a reason",
        arguments: ["", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[],"keys":[]}"#, #"{"KEYS":[]}"#]
    )
    func brokenSets(_ text: String) {
        #expect(throws: ConfigurationError.self) { try JWKSet(text.utf8) }
    }

    @Test("A set of more than 256 keys is refused")
    func manyKeys() {
        let many = { (count: Int) in #"{"keys":["# + Array(repeating: "{}", count: count).joined(separator: ",") + "]}"
        }
        #expect(throws: Never.self) { try JWKSet(many(256).utf8) }
        #expect(throws: ConfigurationError.self) { try JWKSet(many(257).utf8) }
    }

    @Test("One signature is verified alike by many tasks at once")
    func manyTasks() async throws {
        let key = try SigningKey(.es256, keyID: "k")
        let verifier = try #require(
            KeySnapshot(try JWKSet(JWKSet.text(key.jwk).utf8)).keys.first?.verifier(for: .es256)
        )
        let message: [UInt8] = Array("message".utf8)
        let signature = key.sign(message)
        let right = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<400 {
                let sent = index % 2 == 0 ? signature : Array(signature.reversed())
                group.addTask {
                    let isValid = unsafe message.withUnsafeBytes { message in
                        unsafe sent.withUnsafeBytes { unsafe verifier.isValid($0, for: message) }
                    }
                    return isValid == (index % 2 == 0)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(right == 400)
    }
}
