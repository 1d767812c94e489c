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
        let id = Field("id")

        init(token: Field, time: Field?) {
            self.token = token
            self.time = time
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
        let signatures: [(bytes: [UInt8], conversion: String)] = [
            ([0x1F, 0x8B], "compressed by gzip: read it by zcat"),
            ([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd: read it by zstdcat"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "compressed by xz: read it by xzcat"),
            ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive: read it by unzip -p"),
            ([0xFF, 0xFE], "UTF-16: convert it by iconv -f UTF-16 -t UTF-8"),
            ([0xFE, 0xFF], "UTF-16: convert it by iconv -f UTF-16 -t UTF-8"),
        ]
        return signatures.first { start.starts(with: $0.bytes) }?.conversion
    }

    /// Whether lines are JSON objects, by the first byte that is no white space.
    static func looksLikeNDJSON(_ start: [UInt8]) -> Bool { start.firstThatIsNoSpace == UInt8(ascii: "{") }

    /// Whether all lines are one JSON array, by the same byte.
    static func looksLikeArray(_ start: [UInt8]) -> Bool { start.firstThatIsNoSpace == UInt8(ascii: "[") }
}

extension [UInt8] {
    var firstThatIsNoSpace: UInt8? { first { !" \t\r\n".utf8.contains($0) } }
}
