// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The members of a JSON object as places in its text: one pass that checks every byte and makes no value.
///
/// It accepts exactly what ``JSONDocument`` accepts within ``JSONLimits/token``, which a test compares over the vectors
/// and over random changes of them. Numbers, strings and names that do not read as they are written, and what is nested,
/// jansson reads when they are asked for.
package final class JSONMemberIndex: Sendable {
    enum Kind: UInt8, Sendable {
        case plainString
        case escapedString
        /// Of up to 18 digits.
        case integer
        /// Any other.
        case number
        case literalTrue
        case literalFalse
        case literalNull
        case array
        case object

        var isText: Bool { self == .plainString || self == .escapedString }
    }

    /// Where a member stands.
    ///
    /// Of names and strings the quotes are left out.
    struct Entry: Sendable {
        var nameStart: UInt16 = 0
        var nameEnd: UInt16 = 0
        var valueStart: UInt16 = 0
        var valueEnd: UInt16 = 0
        var kind: Kind?
        var hasEscapedName = false

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    /// Places are kept in 16 bits; tokens are smaller.
    package static let maximumBytes = Int(UInt16.max)

    let text: [UInt8]
    /// A place for each ``TokenMember``, then the other members as they come.
    private let entries: [Entry]
    /// Bit by bit, which of ``TokenMember`` are there.
    private let present: UInt64

    /// Reads the text of an object.
    ///
    /// - Throws: the first fault in the text.
    package init(_ text: [UInt8]) throws(JSONError) {
        guard text.count <= Self.maximumBytes else { throw .stringTooLong }
        var scanner = unsafe try text.withUnsafeBufferPointer { bytes throws(JSONError) in
            var scanner = unsafe JSONScanner(bytes: bytes)
            try scanner.outermost()
            return scanner
        }
        self.text = text
        entries = scanner.takeEntries()
        present = scanner.present
    }

    /// The number of members.
    var count: Int { entries.count - TokenMember.allCases.count + present.nonzeroBitCount }

    /// Bytes that it keeps alive, estimated.
    var retainedBytes: Int { text.count + entries.capacity * MemoryLayout<Entry>.stride + 64 }

    /// Whether one of these is there.
    func hasAny(of members: TokenMembers) -> Bool { present & members.bits != 0 }

    /// What kind of value a member has; nil where there is none.
    func kind(of member: TokenMember) -> Kind? { entries[member.rawValue].kind }

    /// What kind of value `name` has; nil where there is none.
    func kind(of name: String) -> Kind? { entry(of: name)?.kind }

    /// Where the value of a member stands; empty where there is none.
    func place(of member: TokenMember) -> Range<Int> { entries[member.rawValue].value }

    /// The value of a member, which is made here and now.
    package func value(of member: TokenMember) -> JSONValue? {
        let entry = entries[member.rawValue]
        return entry.kind == nil ? nil : value(of: entry)
    }

    /// The value of `name`, which is made here and now.
    package func value(of name: String) -> JSONValue? { entry(of: name).map { value(of: $0) } }

    /// Whether the value of a member is this text; nil where that takes more than comparing bytes.
    func hasText(_ wanted: String, at member: TokenMember) -> Bool? {
        let entry = entries[member.rawValue]
        guard entry.kind == .plainString else { return nil }
        var wanted = wanted
        return unsafe text.withUnsafeBufferPointer { text in
            wanted.withUTF8 { unsafe Self.isEqual(UnsafeBufferPointer(rebasing: text[entry.value]), $0) }
        }
    }

    /// All members in the order of the text.
    package var members: [JSONObject.Member] {
        entries.filter { $0.kind != nil }.sorted { $0.nameStart < $1.nameStart }
            .map { JSONObject.Member(name: name(of: $0), value: value(of: $0)) }
    }

    private func entry(of name: String) -> Entry? {
        if let member = TokenMember(name) {
            let entry = entries[member.rawValue]
            return entry.kind == nil ? nil : entry
        }
        var wanted = name
        return unsafe text.withUnsafeBufferPointer { text in
            wanted.withUTF8 { wanted in
                for entry in entries[TokenMember.allCases.count...] {
                    if entry.hasEscapedName {
                        if self.name(of: entry).isExactly(name) { return entry }
                    } else if unsafe Self.isEqual(UnsafeBufferPointer(rebasing: text[entry.name]), wanted) {
                        return entry
                    }
                }
                return nil
            }
        }
    }

    private static func isEqual(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe left.count == right.count && left.elementsEqual(right)
    }

    private func name(of entry: Entry) -> String {
        if entry.hasEscapedName { return parsed(quoted: entry.name).stringValue ?? "" }
        return String(decoding: text[entry.name], as: UTF8.self)
    }

    private func value(of entry: Entry) -> JSONValue {
        switch entry.kind {
        case .plainString: .string(String(decoding: text[entry.value], as: UTF8.self))
        case .escapedString: parsed(quoted: entry.value)
        case .integer: .integer(integer(entry.value))
        case .literalTrue: .bool(true)
        case .literalFalse: .bool(false)
        case .literalNull, nil: .null
        case .array: plainStrings(entry.value).map { .array($0) } ?? parsed(entry.value)
        case .number, .object: parsed(entry.value)
        }
    }

    /// A part of the text as jansson reads it.
    ///
    /// It was read before as part of the whole, so it can be read now.
    private func parsed(_ place: Range<Int>) -> JSONValue {
        let document = try? JSONDocument(text[place], limits: .token)
        return document?.value ?? .null
    }

    private func parsed(quoted place: Range<Int>) -> JSONValue {
        parsed((place.lowerBound - 1)..<(place.upperBound + 1))
    }

    private func integer(_ place: Range<Int>) -> Int64 {
        var value: Int64 = 0
        var isNegative = false
        // At most 18 digits: neither step can overflow.
        for byte in text[place] {
            if byte == UInt8(ascii: "-") { isNegative = true } else { value = value &* 10 &+ Int64(byte &- 0x30) }
        }
        return isNegative ? 0 &- value : value
    }
}
