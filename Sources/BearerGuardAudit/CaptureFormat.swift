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

    /// Whether lines are JSON objects, by the first byte that is no white space.
    static func looksLikeNDJSON(_ start: [UInt8]) -> Bool { start.firstThatIsNoSpace == UInt8(ascii: "{") }

    /// Whether all lines are one JSON array, by the same byte.
    static func looksLikeArray(_ start: [UInt8]) -> Bool { start.firstThatIsNoSpace == UInt8(ascii: "[") }
}

extension [UInt8] {
    var firstThatIsNoSpace: UInt8? { first { !" \t\r\n".utf8.contains($0) } }
}
