// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// RSA signatures are verified by steps of our own on OpenSSL's arithmetic: they say what OpenSSL's whole verification
/// says, of good signatures and of every kind of bad one.
@Suite("RSA signatures")
struct RSASignatureTests {
    private static let message = Array("header.claims".utf8)

    /// One key, by our own steps and by OpenSSL's.
    private struct Pair {
        let key: SigningKey
        let own: SignatureVerifier
        let openSSL: SignatureVerifier

        init(_ algorithm: SignatureAlgorithm, bits: Int32, exponent: UInt = 65537) throws {
            key = try SigningKey(algorithm, keyID: nil, bits: bits, exponent: exponent)
            let plain = try PublicKey(PublicKeyComponents(pem: key.publicPEM))
            own = try #require(plain.verifier(for: algorithm, throughProviders: false))
            openSSL = try #require(plain.verifier(for: algorithm, throughProviders: true))
        }

        /// What both say of `signature`; nil where they disagree.
        func verdict(on signature: [UInt8], for message: [UInt8] = RSASignatureTests.message) -> Bool? {
            let verdicts = [own, openSSL].map { verifier in
                unsafe message.withUnsafeBytes { message in
                    unsafe signature.withUnsafeBytes { unsafe verifier.isValid($0, for: message) }
                }
            }
            return verdicts[0] == verdicts[1] ? verdicts[0] : nil
        }
    }

    /// Moduli of whole bytes, of a bit more and of a bit less: the encoding of PSS is of one bit less than the modulus.
    private static let sizes: [Int32] = [2048, 2049, 2055, 4096]

    @Test("A good signature is one by both, and none for another message", arguments: SignatureAlgorithm.rsa, sizes)
    func goodSignatures(_ algorithm: SignatureAlgorithm, _ bits: Int32) throws {
        let pair = try Pair(algorithm, bits: bits)
        for length in [0, 1, 55, 64, 1000] {
            let message = [UInt8](repeating: 0x61, count: length)
            let signature = pair.key.sign(message)
            #expect(signature.count == Int(bits + 7) / 8)
            #expect(pair.verdict(on: signature, for: message) == true)
            #expect(pair.verdict(on: signature, for: message + [0]) == false)
        }
    }

    @Test(
        "A good signature that begins with a zero is one, and none without the zero",
        arguments: [.rs256, .ps256] as [SignatureAlgorithm]
    )
    func leadingZeros(_ algorithm: SignatureAlgorithm) throws {
        let pair = try Pair(algorithm, bits: 2048)
        // One in 256 does, so that all of these miss it once in e^39 runs.
        for number in 0..<10_000 {
            let message = Array("\(number)".utf8)
            let signature = pair.key.sign(message)
            guard signature.first == 0 else { continue }
            #expect(pair.verdict(on: signature, for: message) == true)
            #expect(pair.verdict(on: Array(signature.dropFirst()), for: message) == false)
            return
        }
        Issue.record("no signature began with a zero")
    }

    @Test("Random changes of a signature are refused by both", arguments: SignatureAlgorithm.rsa)
    func changedSignatures(_ algorithm: SignatureAlgorithm) throws {
        let pair = try Pair(algorithm, bits: 2048)
        let good = pair.key.sign(Self.message)
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        var refused = 0
        for _ in 0..<500 {
            var changed = good
            for _ in 0...Int.random(in: 0..<3, using: &generator) {
                let index = changed.indices.randomElement(using: &generator) ?? 0
                changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            if changed == good || pair.verdict(on: changed) == false { refused += 1 }
        }
        #expect(refused == 500, "seed \(seed)")
    }

    @Test("0, 1, the modulus, its neighbours and numbers beyond it are no signature", arguments: SignatureAlgorithm.rsa)
    func degenerateSignatures(_ algorithm: SignatureAlgorithm) throws {
        let pair = try Pair(algorithm, bits: 2048)
        let modulus = try #require(pair.key.jwk.objectValue?["n"]?.stringValue.flatMap { Base64URL.decode($0.utf8) })
        let zeros = [UInt8](repeating: 0, count: modulus.count)
        let good = pair.key.sign(Self.message)
        // The modulus is odd, so that the last byte alone makes its neighbours.
        let bad: [[UInt8]] = [
            zeros, zeros.dropLast() + [1], zeros.dropLast() + [2], modulus, modulus.dropLast() + [modulus[255] - 1],
            zeros.map { _ in 0xFF }, [], [0], Array(good.dropLast()), Array(good.dropFirst()), good + [0], [0] + good,
        ]
        for signature in bad { #expect(pair.verdict(on: signature) == false) }
        #expect(pair.verdict(on: good) == true)
    }

    @Test(
        "Of encodings signed with the key, each with one bit changed, both refuse all",
        arguments: SignatureAlgorithm.rsa,
        [2048, 2049] as [Int32]
    )
    func changedEncodings(_ algorithm: SignatureAlgorithm, _ bits: Int32) throws {
        let pair = try Pair(algorithm, bits: bits)
        let good = pair.key.encodedMessage(of: pair.key.sign(Self.message))
        #expect(pair.verdict(on: pair.key.sign(encodedMessage: good)) == true)
        var signed = 0
        for index in good.indices {
            var changed = good
            changed[index] ^= 1 << UInt8(index % 8)
            // Beyond the modulus there is none.
            let signature = pair.key.sign(encodedMessage: changed)
            if signature.isEmpty { continue }
            signed += 1
            #expect(pair.verdict(on: signature) == false, "byte \(index)")
        }
        #expect(signed >= good.count - 1)
    }

    @Test("A hash with less padding in front and room behind it, without NULL, or of block type 2, is no encoding")
    func laxEncodings() throws {
        let pair = try Pair(.rs256, bits: 2048)
        let good = pair.key.encodedMessage(of: pair.key.sign(Self.message))
        let information = Array(good.suffix(51))
        let inner = Array(information[4..<15])
        let withoutNULL = [[0x30, 0x2F, 0x30, 0x0B], inner, Array(information[17...])].reduce([], +)
        func encoding(type: UInt8, filled byte: UInt8, _ end: [UInt8]) -> [UInt8] {
            var encoding: [UInt8] = [0x00, type]
            encoding += [UInt8](repeating: byte, count: 256 - 3 - end.count)
            return encoding + [0x00] + end
        }
        let zeros = [UInt8](repeating: 0, count: 256)
        let bad = [
            // What a reader that does not look at the end takes for good, and what forgers can make where e = 3.
            Array(([0x00, 0x01] + [UInt8](repeating: 0xFF, count: 8) + [0x00] + information + zeros).prefix(256)),
            encoding(type: 1, filled: 0xFF, withoutNULL),
            encoding(type: 2, filled: 0xFF, information), encoding(type: 0, filled: 0xFF, information),
            encoding(type: 1, filled: 0x00, information), encoding(type: 1, filled: 0xFE, information),
            encoding(type: 1, filled: 0xFF, Array(information.suffix(32))),
            encoding(type: 1, filled: 0xFF, information + [0]),
        ]
        #expect(encoding(type: 1, filled: 0xFF, information) == good)
        for encoding in bad {
            #expect(encoding.count == 256)
            let signature = pair.key.sign(encodedMessage: encoding)
            #expect(pair.key.encodedMessage(of: signature) == encoding)
            #expect(pair.verdict(on: signature) == false)
        }
    }

    @Test("A key with another exponent than 65537 verifies as well", arguments: [3, 65539, 1 << 32 + 1] as [UInt])
    func otherExponents(_ exponent: UInt) throws {
        let pair = try Pair(.ps256, bits: 2048, exponent: exponent)
        let signature = pair.key.sign(Self.message)
        #expect(pair.verdict(on: signature) == true)
        #expect(pair.verdict(on: signature, for: Self.message + [0]) == false)
    }
}

extension SignatureAlgorithm {
    fileprivate static let rsa: [SignatureAlgorithm] = [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
}
