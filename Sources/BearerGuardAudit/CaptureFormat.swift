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
        CaptureFormat(fields: (tokenField, timeField))
    }

    let fields: (token: String, time: String?)?

    /// Where times are told otherwise, those of lines need not be read.
    var withoutTimes: CaptureFormat { CaptureFormat(fields: fields.map { ($0.token, nil) }) }

    /// Whether lines are JSON objects, by the first byte that is no white space.
    static func looksLikeNDJSON(_ start: [UInt8]) -> Bool {
        start.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
    }
}

/// One line of a capture.
struct CapturedLine: Sendable {
    let number: Int
    let content: Content
    /// What names the line, as JSON in ASCII.
    let id: ArraySlice<UInt8>?
    let time: UnixTime?

    enum Content: Sendable {
        case token(ArraySlice<UInt8>)
        /// A line in which no token can be found, and why.
        case unreadable(String)
    }

    /// Reads one line; nil for an empty one.
    init?(_ line: ArraySlice<UInt8>, number: Int, format: CaptureFormat) {
        var line = line
        while let last = line.last, last == UInt8(ascii: "\r") || last == UInt8(ascii: " ") { line.removeLast() }
        guard !line.isEmpty else { return nil }
        self.number = number
        guard let fields = format.fields else {
            (content, id, time) = (.token(Self.withoutScheme(line)), nil, nil)
            return
        }
        guard let object = try? JSONObject(tokenText: line, limits: .document) else {
            (content, id, time) = (.unreadable("not a JSON object"), nil, nil)
            return
        }
        id = object.valueText(of: "id")
        time = fields.time.flatMap { object[$0] }.flatMap(UnixTime.init(captured:))
        if let token = object.plainText(of: fields.token) {
            content = .token(Self.withoutScheme(token))
        } else if let token = object[fields.token]?.stringValue {
            content = .token(Self.withoutScheme(Array(token.utf8)[...]))
        } else {
            content = .unreadable("no member '\(fields.token)' with a token")
        }
    }

    /// The token of a captured `Authorization` field (RFC 6750 §2.1).
    private static func withoutScheme(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let scheme = text.prefix(7)
        guard scheme.count == 7, scheme.elementsEqual("bearer ".utf8, by: { $0 | 0x20 == $1 }) else { return text }
        return text.dropFirst(7).drop { $0 == UInt8(ascii: " ") }
    }
}

extension UnixTime {
    /// Reads a time that a capture states.
    fileprivate init?(captured value: JSONValue) {
        if let text = value.stringValue { self.init(text: text) } else { self.init(value) }
    }
}
