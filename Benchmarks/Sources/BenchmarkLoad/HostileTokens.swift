// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

package import BearerGuardTesting

/// Tokens of the largest size that is read, each malformed in a way that keeps a reader busy for as long as it can.
package enum HostileTokens {
    /// Payloads by what they are, for a token of 16 KiB; every one has a fault at its end.
    package static func payloads(_ bytes: Int) -> [(name: String, text: String)] {
        func repeated(_ piece: String, _ prefix: String = #"{"a":["#) -> String {
            // Only what ends with a brace is read at all.
            prefix + String(repeating: piece, count: max(0, (bytes - 1 - prefix.utf8.count) / piece.utf8.count)) + "}"
        }
        func numbered(_ piece: (Int) -> String, filler: String = "z", members: Int = 1022) -> String {
            var text = "{"
            var number = 0
            // As many members as are read, the last two of one name, which is found when all of them are compared.
            while text.utf8.count < bytes - 40, number < members {
                text += piece(number)
                number += 1
            }
            let room = max(0, min(8000, bytes - text.utf8.count - 14))
            let rest = String(repeating: filler, count: room / filler.utf8.count)
            return text + #""z":"\#(rest)","z":1}"#
        }
        return [
            ("one long string", repeated("x", #"{"a":""#)), ("strings beyond ASCII", repeated("\u{20AC}", #"{"a":""#)),
            ("escapes", repeated(#"\u00e9"#, #"{"a":""#)), ("surrogates", repeated(#"\ud83d\ude00"#, #"{"a":""#)),
            ("short strings", repeated(#""x",[],"#)), ("empty arrays", repeated("[[],[]],")),
            ("objects", repeated(#"{"a":{}},"#)), ("objects of reals", repeated(#"{"a":1e99},"#)),
            ("numbers", repeated("[1,2],")), ("reals", repeated("[1e5,0.5],")), ("large reals", repeated("[1e308],")),
            ("the largest reals", repeated("1.797693134862315807e308,")),
            ("white space", repeated(" ")), ("names", numbered { #""\#($0)":1,"# }),
            ("names of reals", numbered { #""\#($0)":1e99,"# }),
            ("names in front of strings", numbered({ #""\#(String($0, radix: 36))":1,"# }, filler: "\u{20AC}")),
            ("some odd names and numbers", numbered { $0 % 16 == 0 ? #""\n\#($0)":1e99,"# : #""m\#($0)":1e99,"# }),
            ("objects in objects", numbered({ #""\#($0)":{"b":1e99},"# }, members: 511)),
            ("any names and values", numbered(Self.anyMember)),
            ("longer names", numbered { #""member\#($0 + 1000)":1,"# }),
            ("names beyond ASCII", numbered { #""\#u{E9}\#($0)":1,"# }),
            ("escaped names", numbered { #""\u0061\#($0)":1,"# }),
            ("escapes in names", numbered { #""\n\#($0)":1,"# }),
            ("escapes behind names", numbered { #""member\#($0)\n":1,"# }),
            ("names that end in zeros", numbered(Self.nameWithZeros)),
            ("long pieces of a string", repeated(String(repeating: "x", count: 32) + "\u{E9}", #"{"a":""#)),
            ("many objects of names", repeated(#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1},"#)),
        ]
    }

    /// Names of which five each differ by what their lengths and their first letters make up for together, were the two mixed.
    private static func nameWithZeros(_ number: Int) -> String {
        let zeros = number % 5
        let first = Character(UnicodeScalar(UInt8(0x60 ^ (3 + zeros))))
        let group = String(1296 + number / 5, radix: 36).suffix(2)
        return "\"\(first)\(group)\(String(repeating: #"\u0000"#, count: zeros))\":1,"
    }

    /// Names of any length with values of any kind, in an order that no processor foresees.
    private static func anyMember(_ number: Int) -> String {
        let chance = (UInt64(number) &* 0x9E37_79B9_7F4A_7C15) >> 32
        let values = [
            "1", "1e9", "-12", "0.5", "{}", "[]", "true", "\"x\"", "12345", "1.5e-7", "null", "7", "-0.25e9", "\"\"",
            "2e1", "31",
        ]
        let name = String(number, radix: 36) + ["", "_", "-_", "."][Int(chance & 3)]
        return "\"\(name)\":\(values[Int(chance >> 2 & 15)]),"
    }

    /// A good token that is as long.
    package static func good(_ issuer: TestIssuer) -> String {
        issuer.token(changes: Workload.padding(16 * 1024 - issuer.token().utf8.count))
    }

    /// The tokens, with a good header of the issuer's and a signature that is never looked at.
    package static func tokens(_ issuer: TestIssuer) -> [(name: String, token: String)] {
        let segments = issuer.token().split(separator: ".")
        let header = segments.first.map(String.init) ?? ""
        let signature = segments.last.map(String.init) ?? ""
        let room = (16 * 1024 - header.utf8.count - signature.utf8.count - 2) / 4 * 3
        let malformed = payloads(room).map { ($0.name, "\(header).\(encode($0.text)).\(signature)") }
        let space = 16 * 1024 - header.utf8.count - 1
        return malformed + [
            ("dots", String(repeating: ".", count: 16 * 1024)), ("no dot", String(repeating: "A", count: 16 * 1024)),
            ("a bad last character", header + "." + String(repeating: "A", count: space - 1) + "!"),
        ]
    }

    private static func encode(_ text: String) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var output: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(alphabet[Int(bits >> UInt32(count) & 0x3F)])
            }
        }
        if count > 0 { output.append(alphabet[Int(bits << UInt32(6 - count) & 0x3F)]) }
        return String(decoding: output, as: UTF8.self)
    }
}
