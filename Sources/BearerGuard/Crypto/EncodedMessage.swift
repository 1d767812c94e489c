// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// What an RSA signature must stand for: the two encodings of RFC 8017 §9.
final class EncodedMessage: Sendable {
    private let digest: Digest
    private let modulusBits: Int
    /// EMSA-PKCS1-v1_5 as a number, of a hash of zeros; nil for EMSA-PSS with a salt as long as the hash, as RFC 7518 §3.5 has
    /// it.
    private let start: OpenSSLHandle?

    /// What `algorithm` encodes with, for a modulus of so many bits; nil for one that is too short.
    init?(_ algorithm: SignatureAlgorithm, _ digest: Digest, modulusBits: Int) {
        self.digest = digest
        self.modulusBits = modulusBits
        if algorithm.usesPSS {
            start = nil
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
        let bytes: [UInt8] =
            [0x00, 0x01] + [UInt8](repeating: 0xFF, count: padding) + [0x00] + information
            + [UInt8](repeating: 0, count: digest.byteCount)
        let number = unsafe OpenSSLHandle(
            BN_bin2bn(bytes, Int32(clamping: bytes.count), nil),
            release: { unsafe BN_free($0) }
        )
        guard let number else { return nil }
        start = number
    }

    /// Whether the message that stands in `scratch` is an encoding of `hash`, which stands there as well.
    ///
    /// Overwrites both.
    func isEncoded(in scratch: RSAPublicOperation.Scratch, _ hash: UnsafeRawBufferPointer) -> Bool {
        if let start = unsafe start?.pointer { return unsafe isPKCS1(start, scratch, hash) }
        guard let message = unsafe scratch.messageBytes() else { return false }
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
            scratch.digest
        )
    }

    /// RFC 8017 §8.2.2: the encoding that there must be is made, as the number that it stands for, and compared whole; what is
    /// never parsed cannot be parsed laxly.
    private func isPKCS1(
        _ start: OpaquePointer,
        _ scratch: RSAPublicOperation.Scratch,
        _ hash: UnsafeRawBufferPointer
    ) -> Bool {
        let bytes = unsafe hash.assumingMemoryBound(to: UInt8.self).baseAddress
        let expected = unsafe scratch.number
        return unsafe BN_bin2bn(bytes, Int32(truncatingIfNeeded: hash.count), expected) != nil
            && BN_uadd(expected, expected, start) == 1 && BN_ucmp(expected, scratch.message) == 0
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
