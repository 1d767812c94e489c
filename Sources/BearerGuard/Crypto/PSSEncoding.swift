// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// EMSA-PSS (RFC 8017 §9.1) for moduli of so many bits, with a salt as long as the hash, as RFC 7518 §3.5 has it.
struct PSSEncoding {
    let digest: Digest
    let modulusBits: Int

    /// Whether a message, of as many bytes as the modulus, is an encoding of `hash`.
    ///
    /// Overwrites both; `hash` may stand in `context`.
    func isEncoded(
        _ message: UnsafeMutableRawBufferPointer,
        _ hash: UnsafeRawBufferPointer,
        by context: DigestContext
    ) -> Bool {
        // One bit less than the modulus: where that is whole bytes, the first byte here is none of the encoding.
        let bitsOfFirst = (modulusBits - 1) % 8
        guard let first = unsafe message.first, first >> UInt8(truncatingIfNeeded: bitsOfFirst) == 0 else {
            return false
        }
        let encoding = unsafe bitsOfFirst == 0 ? message.dropFirst() : message[...]
        return unsafe isPSS(
            UnsafeMutableRawBufferPointer(rebasing: encoding),
            firstByte: bitsOfFirst == 0 ? 0xFF : 0xFF >> UInt8(truncatingIfNeeded: 8 - bitsOfFirst),
            hash,
            context
        )
    }

    /// EMSA-PSS-VERIFY, RFC 8017 §9.1.2, from its step 3 on; `firstByte` has the bits that the first byte may have.
    private func isPSS(
        _ encoding: UnsafeMutableRawBufferPointer,
        firstByte: UInt8,
        _ hash: UnsafeRawBufferPointer,
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
            guard unsafe unmask(block, with: seed, context) else { return false }
            unsafe block[0] &= firstByte
            guard unsafe block[..<zeros].allSatisfy({ $0 == 0 }), unsafe block[zeros] == 1 else { return false }
            unsafe UnsafeMutableRawBufferPointer(rebasing: input[(8 + size)...]).copyBytes(from: block[(zeros + 1)...])
            return unsafe context.hash(UnsafeRawBufferPointer(input), by: digest)?.elementsEqual(seed) ?? false
        }
    }

    /// Takes MGF1 of `seed` (RFC 8017 §B.2.1) off `block`; false when OpenSSL fails.
    private func unmask(
        _ block: UnsafeMutableRawBufferPointer,
        with seed: UnsafeRawBufferPointer,
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
