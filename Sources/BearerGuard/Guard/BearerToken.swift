// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The one bearer token of a request (RFC 6750 §2.1), or why there is not exactly one.
enum BearerToken {
    /// The token's bytes; nil when no credential was sent at all.
    static func extract(from credentials: RequestCredentials) throws(Rejection) -> [UInt8]? {
        let count = credentials.authorization.count + credentials.otherTokens.count
        guard count <= 1 else { throw Rejection(.multipleTokens, "\(count) credentials") }
        if let token = credentials.otherTokens.first {
            let bytes = Array(token.utf8)
            guard isToken68(bytes[...]) else { throw Rejection(.invalidRequest, "not a b64token") }
            return bytes
        }
        guard let field = credentials.authorization.first else { return nil }
        let bytes = Array(field.utf8)
        guard !bytes.contains(UInt8(ascii: ",")) else { throw Rejection(.multipleTokens, "joined credentials") }
        let space = UInt8(ascii: " ")
        let scheme = bytes.prefix { $0 != space }
        guard scheme.count < bytes.count, scheme.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }) else {
            throw Rejection(.invalidRequest, "the scheme is not Bearer")
        }
        let token = bytes[scheme.count...].drop { $0 == space }
        guard isToken68(token) else { throw Rejection(.invalidRequest, "not a b64token") }
        return Array(token)
    }

    /// Whether `text` is `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
    private static func isToken68(_ text: ArraySlice<UInt8>) -> Bool {
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let body = text.dropLast(padding)
        return !body.isEmpty
            && body.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
