// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// How captured tokens are written down.
public struct CaptureFormat: Sendable {
    /// One token a line.
    public static let plainText = CaptureFormat(fields: nil)

    /// One JSON object a line.
    ///
    /// - Parameters:
    ///   - tokenField: the member that holds the token.
    ///   - timeField: the member that holds the time of capture: Unix seconds, or RFC 3339.
    public static func ndjson(tokenField: String, timeField: String) -> CaptureFormat {
        CaptureFormat(fields: Fields(token: Field(tokenField), time: Field(timeField)))
    }

    /// The name of a member.
    struct Field: Sendable {
        let name: String
        let member: JSONPlaces.Name

        init(_ name: String) {
            self.name = name
            member = JSONPlaces.Name(name)
        }
    }

    /// One object, as every line asks it.
    final class Fields: Sendable {
        let token: Field
        let time: Field?
        /// None where the token is there: a verdict repeats it.
        let id: Field?

        init(token: Field, time: Field?) {
            self.token = token
            self.time = time
            id = token.name == "id" ? nil : Field("id")
        }

        /// The same in memory of its own.
        var copy: Fields { Fields(token: Field(token.name), time: time.map { Field($0.name) }) }
    }

    /// Nil where lines are tokens.
    let fields: Fields?

    /// The same in memory of its own.
    var copy: CaptureFormat { CaptureFormat(fields: fields?.copy) }

    /// The same, or one without times: where they are told otherwise, those of lines need not be read.
    func with(times: Bool) -> CaptureFormat {
        times ? self : CaptureFormat(fields: fields.map { Fields(token: $0.token, time: nil) })
    }

    /// What has to be done with a capture before its lines can be read, by its first bytes; nil for one that is text in UTF-8.
    static func conversion(_ start: [UInt8]) -> String? {
        let signatures: [(offset: Int, bytes: [UInt8], conversion: String)] = [
            (0, [0x1F, 0x8B], "compressed by gzip: read it by zcat"),
            (0, [0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd: read it by zstdcat"),
            (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "compressed by xz: read it by xzcat"),
            (0, [0x04, 0x22, 0x4D, 0x18], "compressed by lz4: read it by lz4cat"),
            // In front of it stands what a token could begin with.
            (4, Array("1AY&SY".utf8), "compressed by bzip2: read it by bzcat"),
            (0, [0x50, 0x4B, 0x03, 0x04], "a ZIP archive: read it by unzip -p"),
            (257, Array("ustar\0".utf8), "a tar archive: read it by tar -xOf"),
            (257, Array("ustar  \0".utf8), "a tar archive: read it by tar -xOf"),
            (0, [0xFF, 0xFE], "UTF-16: convert it by iconv -f UTF-16 -t UTF-8"),
            (0, [0xFE, 0xFF], "UTF-16: convert it by iconv -f UTF-16 -t UTF-8"),
        ]
        return signatures.first { start.dropFirst($0.offset).starts(with: $0.bytes) }?.conversion
    }

    /// Whether lines are JSON objects, by the first line that tells: a comment in front, or a line that is cut off, does not.
    static func looksLikeNDJSON(_ start: [UInt8]) -> Bool {
        var rest = start[...]
        while !rest.isEmpty {
            let line = rest[..<(rest.position(of: UInt8(ascii: "\n")) ?? rest.endIndex)]
            rest = rest[line.endIndex...].dropFirst()
            guard let first = line.firstThatIsNoSpace else { continue }
            if first == UInt8(ascii: "{") { return true }
            let token = CapturedLines.withoutScheme(Array(line))
            if token.allSatisfy({ BearerToken.isTokenByte($0) || $0.isSpace }) { return false }
        }
        return false
    }

    /// Whether all lines are one JSON array, by the first byte that is no white space.
    static func looksLikeArray(_ start: [UInt8]) -> Bool { start.firstThatIsNoSpace == UInt8(ascii: "[") }
}

extension Collection<UInt8> {
    package var firstThatIsNoSpace: UInt8? { first { !$0.isSpace } }
}

extension UInt8 {
    /// White space of JSON (RFC 8259 §2).
    package var isSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}

extension [UInt8] {
    /// What some editors put in front of UTF-8 (RFC 3629 §6).
    package static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
