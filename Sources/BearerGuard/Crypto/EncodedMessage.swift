// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

// Without COpenSSL: where a file imports that as well, the compiler takes `memcmp` for a function that may change anything,
// in all of the module, and a look for a token seen before counts references that threads share.
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What an RSA signature must stand for: the two encodings of RFC 8017 §9.
enum EncodedMessage: Sendable {
    /// EMSA-PKCS1-v1_5.
    ///
    /// The encoding is built and compared whole (RFC 8017 §8.2.2): what is never parsed cannot be parsed laxly.
    case pkcs1
    /// EMSA-PSS with a salt as long as the hash, as RFC 7518 §3.5 has it.
    case pss(modulusBits: Int)

    /// What `algorithm` encodes with, for a modulus of so many bits; nil for one that is too short.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, modulusBits: Int) {
        if algorithm.usesPSS {
            self = .pss(modulusBits: modulusBits)
        } else {
            let padding = (modulusBits + 7) / 8 - 3 - Self.informationBytes - digest.byteCount
            guard padding >= 8 else { return nil }
            self = .pkcs1
        }
    }

    /// Whether `message`, as long as the modulus, is an encoding of `hash`.
    ///
    /// Overwrites `message`, and what stands in `context`, which is for hashing: `hash`, as a rule.
    func isEncoded(
        in message: UnsafeMutableRawBufferPointer,
        _ hash: UnsafeRawBufferPointer,
        _ digest: Digest,
        _ context: DigestContext
    ) -> Bool {
        switch self {
        case .pkcs1: return unsafe Self.isPKCS1(message, hash, digest)
        case .pss(let modulusBits):
            // One bit less than the modulus: where that is whole bytes, the first byte here is none of the encoding.
            let bitsOfFirst = (modulusBits - 1) % 8
            guard let first = unsafe message.first, first >> UInt8(truncatingIfNeeded: bitsOfFirst) == 0 else {
                return false
            }
            let encoding = unsafe bitsOfFirst == 0 ? message.dropFirst() : message[...]
            return unsafe Self.isPSS(
                UnsafeMutableRawBufferPointer(rebasing: encoding),
                firstByte: bitsOfFirst == 0 ? 0xFF : 0xFF >> UInt8(truncatingIfNeeded: 8 - bitsOfFirst),
                hash,
                digest,
                context
            )
        }
    }

    /// Bytes of a DigestInfo in front of the hash.
    private static let informationBytes = 19

    /// EMSA-PKCS1-v1_5-ENCODE, RFC 8017 §9.2, and the comparison.
    private static func isPKCS1(
        _ message: UnsafeMutableRawBufferPointer,
        _ hash: UnsafeRawBufferPointer,
        _ digest: Digest
    ) -> Bool {
        let start = message.count - informationBytes - hash.count
        let algorithm = UInt64(digest.identifier)
        guard start >= 11, hash.count == digest.byteCount, let bytes = message.baseAddress else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: message.count, alignment: 8) { encoding in
            unsafe encoding.initializeMemory(as: UInt8.self, repeating: 0xFF)
            unsafe encoding[0] = 0x00
            unsafe encoding[1] = 0x01
            unsafe encoding[start - 1] = 0x00
            // A DigestInfo in DER: SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.x, NULL }, OCTET STRING }.
            let size = UInt64(truncatingIfNeeded: hash.count)
            let sequences = 0x3000_300D_0609_6086 | (size + 17) << 48
            let identifier = 0x4801_6503_0402_0005 | algorithm << 8
            unsafe encoding.storeBytes(of: sequences.bigEndian, toByteOffset: start, as: UInt64.self)
            unsafe encoding.storeBytes(of: identifier.bigEndian, toByteOffset: start + 8, as: UInt64.self)
            unsafe encoding[start + 16] = 0x00
            unsafe encoding[start + 17] = 0x04
            unsafe encoding[start + 18] = UInt8(truncatingIfNeeded: size)
            unsafe UnsafeMutableRawBufferPointer(rebasing: encoding[(start + informationBytes)...]).copyMemory(
                from: hash
            )
            return unsafe encoding.baseAddress.map { unsafe memcmp($0, bytes, message.count) == 0 } ?? false
        }
    }

    /// EMSA-PSS-VERIFY, RFC 8017 §9.1.2, from its step 3 on; `firstByte` has the bits that the first byte may have.
    private static func isPSS(
        _ encoding: UnsafeMutableRawBufferPointer,
        firstByte: UInt8,
        _ hash: UnsafeRawBufferPointer,
        _ digest: Digest,
        _ context: DigestContext
    ) -> Bool {
        let size = digest.byteCount
        let blockSize = encoding.count - size - 1
        let zeros = blockSize - size - 1
        guard zeros >= 0, hash.count == size, unsafe encoding.last == 0xBC else { return false }
        let block = unsafe UnsafeMutableRawBufferPointer(rebasing: encoding[..<blockSize])
        let seed = unsafe UnsafeRawBufferPointer(rebasing: encoding[blockSize..<blockSize + size])
        return unsafe withUnsafeTemporaryAllocation(byteCount: 8 + 2 * size, alignment: 8) { input in
            unsafe input.storeBytes(of: 0, as: UInt64.self)
            // It stands in the context, where the next digest is made.
            unsafe UnsafeMutableRawBufferPointer(rebasing: input[8...]).copyMemory(from: hash)
            guard unsafe unmask(block, with: seed, digest, context) else { return false }
            unsafe block[0] &= firstByte
            guard unsafe block[..<zeros].allSatisfy({ $0 == 0 }), unsafe block[zeros] == 1 else { return false }
            unsafe UnsafeMutableRawBufferPointer(rebasing: input[(8 + size)...]).copyBytes(from: block[(zeros + 1)...])
            return unsafe context.hash(UnsafeRawBufferPointer(input), by: digest)?.elementsEqual(seed) ?? false
        }
    }

    /// Takes MGF1 of `seed` (RFC 8017 §B.2.1) off `block`; false when OpenSSL fails.
    private static func unmask(
        _ block: UnsafeMutableRawBufferPointer,
        with seed: UnsafeRawBufferPointer,
        _ digest: Digest,
        _ context: DigestContext
    ) -> Bool {
        unsafe withUnsafeTemporaryAllocation(byteCount: seed.count + 4, alignment: 8) { input in
            unsafe input.copyMemory(from: seed)
            for (counter, start) in stride(from: 0, to: block.count, by: digest.byteCount).enumerated() {
                unsafe input.storeBytes(
                    of: UInt32(truncatingIfNeeded: counter).bigEndian,
                    toByteOffset: seed.count,
                    as: UInt32.self
                )
                guard let mask = unsafe context.hash(UnsafeRawBufferPointer(input), by: digest) else { return false }
                for index in 0..<min(mask.count, block.count - start) {
                    unsafe block[start + index] ^= mask[index]
                }
            }
            return true
        }
    }
}
