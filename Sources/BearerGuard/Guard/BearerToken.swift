// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The one bearer token of a request (RFC 6750 §2.1), or why there is not exactly one.
package enum BearerToken {
    /// The token's bytes; nil when no credential was sent at all.
    ///
    /// Whether they are a b64token is left to ``isToken68(_:)``: what can be read as a JWS is one.
    static func extract(from credentials: RequestCredentials) throws(Rejection) -> ArraySlice<UInt8>? {
        let count = credentials.count
        guard count <= 1 else { throw Rejection(.multipleTokens, "\(count) credentials") }
        if let token = credentials.otherTokens.first {
            return Array(token.utf8)[...]
        }
        guard let field = credentials.onlyAuthorization else { return nil }
        let bytes = Array(field.utf8)[...]
        guard bytes.position(of: UInt8(ascii: ",")) == nil else {
            throw Rejection(.multipleTokens, "joined credentials")
        }
        let space = UInt8(ascii: " ")
        guard bytes.count > scheme.count, bytes[scheme.count] == space,
            scheme.indices.allSatisfy({ bytes[$0] | 0x20 == scheme[$0] })
        else { throw Rejection(.invalidRequest, "the scheme is not Bearer") }
        var start = scheme.count + 1
        while start < bytes.endIndex, bytes[start] == space { start += 1 }
        return bytes[start...]
    }

    private static let scheme = Array("bearer".utf8)

    /// Whether `text` is `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
    @_optimize(speed)
    static func isToken68(_ text: ArraySlice<UInt8>) -> Bool {
        var end = text.endIndex
        while end > text.startIndex, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        guard end > text.startIndex else { return false }
        return unsafe text[..<end].withUnsafeBufferPointer { text in
            unsafe foreign.withUnsafeBufferPointer { foreign in
                var seen: UInt8 = 0
                for index in 0..<text.count { unsafe seen |= foreign[Int(text[index])] }
                return seen == 0
            }
        }
    }

    /// Whether a b64token may have this character, at its end at least.
    package static func isTokenByte(_ byte: UInt8) -> Bool { foreign[Int(byte)] == 0 || byte == UInt8(ascii: "=") }

    /// 0 for the characters of a b64token, 1 for all others.
    private static let foreign: [UInt8] = {
        var foreign = [UInt8](repeating: 1, count: 256)
        let known = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
        for character in known.utf8 { foreign[Int(character)] = 0 }
        return foreign
    }()
}
