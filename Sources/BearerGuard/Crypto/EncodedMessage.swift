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
    /// EMSA-PKCS1-v1_5: everything in front of the hash.
    ///
    /// The encoding is built and compared whole (RFC 8017 §8.2.2): what is never parsed cannot be parsed laxly.
    case pkcs1(start: [UInt8])
    /// EMSA-PSS with a salt as long as the hash, as RFC 7518 §3.5 has it.
    case pss(modulusBits: Int)

    /// What `algorithm` encodes with, for a modulus of so many bits; nil for one that is too short.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, modulusBits: Int) {
        if algorithm.usesPSS {
            self = .pss(modulusBits: modulusBits)
            return
        }
        // A DigestInfo in DER: SEQUENCE { SEQUENCE { OID 2.16.840.1.101.3.4.2.x, NULL }, OCTET STRING }.
        let hashBytes = UInt8(truncatingIfNeeded: digest.byteCount)
        let information: [UInt8] = [
            0x30, hashBytes + 17, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            digest.identifier, 0x05, 0x00, 0x04, hashBytes,
        ]
        let padding = (modulusBits + 7) / 8 - 3 - information.count - digest.byteCount
        guard padding >= 8 else { return nil }
        self = .pkcs1(start: [0x00, 0x01] + [UInt8](repeating: 0xFF, count: padding) + [0x00] + information)
    }

    /// Whether `message`, as long as the modulus, is an encoding of `hash`.
    ///
    /// Overwrites `message`; `context` is for hashing.
    func isEncoded(
        in message: UnsafeMutableRawBufferPointer,
        _ hash: UnsafeRawBufferPointer,
        _ digest: Digest,
        _ context: OpaquePointer
    ) -> Bool {
        switch self {
        case .pkcs1(let start):
            guard message.count == start.count + hash.count, let bytes = message.baseAddress,
                let hashed = hash.baseAddress
            else { return false }
            return unsafe memcmp(bytes, start, start.count) == 0
                && memcmp(bytes + start.count, hashed, hash.count) == 0
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

    /// EMSA-PSS-VERIFY, RFC 8017 §9.1.2, from its step 3 on; `firstByte` has the bits that the first byte may have.
    private static func isPSS(
        _ encoding: UnsafeMutableRawBufferPointer,
        firstByte: UInt8,
        _ hash: UnsafeRawBufferPointer,
        _ digest: Digest,
        _ context: OpaquePointer
    ) -> Bool {
        let size = digest.byteCount
        let blockSize = encoding.count - size - 1
        let zeros = blockSize - size - 1
        guard zeros >= 0, hash.count == size, unsafe encoding.last == 0xBC else { return false }
        let block = unsafe UnsafeMutableRawBufferPointer(rebasing: encoding[..<blockSize])
        let seed = unsafe UnsafeRawBufferPointer(rebasing: encoding[blockSize..<blockSize + size])
        guard unsafe unmask(block, with: seed, digest, context) else { return false }
        unsafe block[0] &= firstByte
        guard unsafe block[..<zeros].allSatisfy({ $0 == 0 }), unsafe block[zeros] == 1 else { return false }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 8 + 2 * size, alignment: 8) { input in
            unsafe input.storeBytes(of: 0, as: UInt64.self)
            unsafe UnsafeMutableRawBufferPointer(rebasing: input[8...]).copyMemory(from: hash)
            unsafe UnsafeMutableRawBufferPointer(rebasing: input[(8 + size)...]).copyBytes(from: block[(zeros + 1)...])
            return unsafe digest.withHash(UnsafeRawBufferPointer(input), in: context) {
                unsafe $0.elementsEqual(seed)
            } ?? false
        }
    }

    /// Takes MGF1 of `seed` (RFC 8017 §B.2.1) off `block`; false when OpenSSL fails.
    private static func unmask(
        _ block: UnsafeMutableRawBufferPointer,
        with seed: UnsafeRawBufferPointer,
        _ digest: Digest,
        _ context: OpaquePointer
    ) -> Bool {
        unsafe withUnsafeTemporaryAllocation(byteCount: seed.count + 4, alignment: 8) { input in
            unsafe input.copyMemory(from: seed)
            for (counter, start) in stride(from: 0, to: block.count, by: digest.byteCount).enumerated() {
                unsafe input.storeBytes(
                    of: UInt32(truncatingIfNeeded: counter).bigEndian,
                    toByteOffset: seed.count,
                    as: UInt32.self
                )
                let masked: Void? = unsafe digest.withHash(UnsafeRawBufferPointer(input), in: context) { mask in
                    for index in 0..<min(mask.count, block.count - start) {
                        unsafe block[start + index] ^= mask[index]
                    }
                }
                guard masked != nil else { return false }
            }
            return true
        }
    }
}
