// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The members of a JSON object: of a token's, as places in its text, found in one pass that checks every byte and makes no
/// value; of any other, as values.
///
/// Of tokens it accepts exactly what ``JSONDocument`` accepts within the same ``JSONLimits``, which a test compares over the vectors
/// and over random changes of them. Numbers, strings and names that do not read as they are written, and what is nested,
/// jansson reads when they are asked for.
package final class JSONMembers: Sendable {
    enum Kind: UInt8, Sendable {
        /// No such member.
        case absent
        case plainString
        case escapedString
        /// Of up to 18 digits.
        case integer
        /// Any other.
        case number
        case literalTrue
        case literalFalse
        case literalNull
        /// An array of nothing but plain strings, as most are.
        case textArray
        case array
        case object

        @inline(__always)
        var isText: Bool { self == .plainString || self == .escapedString }
    }

    /// Where a member stands.
    struct Entry: Sendable, BitwiseCopyable {
        private let nameStart: UInt16
        private let nameEnd: UInt16
        private let valueStart: UInt16
        private let valueEnd: UInt16
        let kind: Kind
        let hasEscapedName: Bool

        /// No such member.
        init() { self.init((0, 0), hasEscapedName: false, (0, 0), .absent) }

        init(
            _ name: (start: Int, end: Int),
            hasEscapedName: Bool,
            _ value: (start: Int, end: Int),
            _ kind: Kind
        ) {
            nameStart = UInt16(truncatingIfNeeded: name.start)
            nameEnd = UInt16(truncatingIfNeeded: name.end)
            valueStart = UInt16(truncatingIfNeeded: value.start)
            valueEnd = UInt16(truncatingIfNeeded: value.end)
            self.kind = kind
            self.hasEscapedName = hasEscapedName
        }

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        /// Where its value stands, without the quotes of a string.
        @inline(__always)
        var value: Range<Int> { Int(valueStart) &+ (kind.isText ? 1 : 0)..<Int(valueEnd) &- (kind.isText ? 1 : 0) }
    }

    /// Places are kept in 16 bits; tokens are smaller.
    package static let maximumBytes = Int(UInt16.max)

    /// The members by value; nil where they are places.
    private let values: [JSONObject.Member]?
    let text: ArraySlice<UInt8>
    /// The text, where the members are places in it.
    var tokenText: ArraySlice<UInt8>? { values == nil ? text : nil }
    /// A place for each ``TokenMember``, then the other members as they come.
    private let entries: [Entry]
    /// Bit by bit, which of ``TokenMember`` are there.
    private let present: UInt64
    /// By which the text was read, and its parts are.
    private let limits: JSONLimits

    /// Reads the text of an object.
    ///
    /// - Throws: a fault in the text, of several not always the first: names are compared where their object ends.
    @_optimize(speed)
    package init(_ text: ArraySlice<UInt8>, limits: JSONLimits = .token) throws(JSONError) {
        guard text.count <= Self.maximumBytes else { throw .stringTooLong }
        let read = unsafe withUnsafeTemporaryAllocation(byteCount: JSONNames.scratchBytes, alignment: 8) { scratch in
            unsafe text.withUnsafeBufferPointer { bytes in
                var scanner = unsafe JSONScanner(bytes, limits: limits, scratch: scratch)
                return Result { () throws(JSONError) in
                    try scanner.outermost()
                    return (scanner.names.entries, scanner.names.present)
                }
            }
        }
        (entries, present) = try read.get()
        self.text = text
        self.limits = limits
        values = nil
    }

    /// Members that are values already.
    init(values: [JSONObject.Member]) {
        self.values = values
        text = []
        entries = []
        present = 0
        limits = .token
    }

    /// The number of members.
    var count: Int { values?.count ?? entries.count - TokenMember.count + present.nonzeroBitCount }

    /// Bytes that it keeps alive, estimated.
    var retainedBytes: Int {
        if let values { return values.reduce(64) { $0 + 64 + $1.name.utf8.count + $1.value.retainedBytes } }
        return text.count + entries.capacity * MemoryLayout<Entry>.stride + 64
    }

    /// Whether one of these is there.
    func hasAny(of members: TokenMembers) -> Bool {
        if values != nil { return TokenMember.allCases.contains { members.contains($0) && kind(of: $0) != .absent } }
        return present & members.bits != 0
    }

    /// What kind of value a member has.
    func kind(of member: TokenMember) -> Kind {
        values == nil ? entries[member.rawValue].kind : kind(of: member.name)
    }

    /// What kind of value `name` has.
    func kind(of name: String) -> Kind {
        if let values { return Kind(values.first { $0.name.isExactly(name) }?.value) }
        return entry(of: name)?.kind ?? .absent
    }

    /// Where the value of a member stands; empty where it has no place.
    func place(of member: TokenMember) -> Range<Int> { values == nil ? entries[member.rawValue].value : 0..<0 }

    /// The value of a member, which is made here and now.
    @_optimize(speed)
    package func value(of member: TokenMember) -> JSONValue? {
        if values != nil { return value(of: member.name) }
        let entry = entries[member.rawValue]
        return entry.kind == .absent ? nil : value(of: entry)
    }

    /// The value of `name`, which is made here and now.
    package func value(of name: String) -> JSONValue? {
        if let values { return values.first { $0.name.isExactly(name) }?.value }
        return entry(of: name).map { value(of: $0) }
    }

    /// A number as it is written; nil for any other value, and where only values are kept.
    func numberText(_ name: String) -> ArraySlice<UInt8>? {
        guard values == nil, let entry = entry(of: name), entry.kind == .integer || entry.kind == .number else {
            return nil
        }
        return text[place: entry.value]
    }

    /// Whether a member is this very text.
    @_optimize(speed)
    func hasText(_ wanted: String, at member: TokenMember) -> Bool {
        guard values == nil, entries[member.rawValue].kind == .plainString else {
            return value(of: member)?.stringValue?.isExactly(wanted) == true
        }
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe wanted.withBytes {
                unsafe Self.isEqual(UnsafeBufferPointer(rebasing: text[entries[member.rawValue].value]), $0)
            }
        }
    }

    /// Whether both members are there, and the same text.
    func haveSameText(_ first: TokenMember, _ second: TokenMember) -> Bool {
        guard values == nil, entries[first.rawValue].kind == .plainString,
            entries[second.rawValue].kind == .plainString
        else { return value(of: first)?.stringValue.map { hasText($0, at: second) } ?? false }
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe Self.isEqual(
                UnsafeBufferPointer(rebasing: text[entries[first.rawValue].value]),
                UnsafeBufferPointer(rebasing: text[entries[second.rawValue].value])
            )
        }
    }

    /// All members in the order of the text.
    package var members: [JSONObject.Member] {
        if let values { return values }
        return entries.filter { $0.kind != .absent }.sorted { $0.name.lowerBound < $1.name.lowerBound }
            .map { JSONObject.Member(name: name(of: $0), value: value(of: $0)) }
    }

    private func entry(of name: String) -> Entry? {
        if let member = TokenMember(name) {
            let entry = entries[member.rawValue]
            return entry.kind == .absent ? nil : entry
        }
        return unsafe text.withUnsafeBufferPointer { text in
            unsafe name.withBytes { wanted in
                // By their numbers, so that no references are counted.
                for index in TokenMember.count..<entries.count {
                    let entry = entries[index]
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

    static func isEqual(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        guard let a = left.baseAddress, let b = right.baseAddress else { return true }
        return unsafe memcmp(a, b, left.count) == 0
    }

    private func name(of entry: Entry) -> String {
        if entry.hasEscapedName { return parsed(quoted: entry.name).stringValue ?? "" }
        return String(decoding: text[place: entry.name], as: UTF8.self)
    }

    @_optimize(speed)
    private func value(of entry: Entry) -> JSONValue {
        switch entry.kind {
        case .plainString: .string(String(decoding: text[place: entry.value], as: UTF8.self))
        case .escapedString: parsed(quoted: entry.value)
        case .integer: .integer(integer(entry.value))
        case .literalTrue: .bool(true)
        case .literalFalse: .bool(false)
        case .literalNull, .absent: .null
        case .textArray: .array(texts(entry.value))
        case .number, .array, .object: parsed(entry.value)
        }
    }

    /// A part of the text as jansson reads it.
    ///
    /// It was read before as part of the whole, so it can be read now.
    private func parsed(_ place: Range<Int>) -> JSONValue {
        let document = try? JSONDocument(Array(text[place: place]), limits: limits)
        return document?.value ?? .null
    }

    private func parsed(quoted place: Range<Int>) -> JSONValue {
        parsed((place.lowerBound - 1)..<(place.upperBound + 1))
    }

    private func integer(_ place: Range<Int>) -> Int64 {
        unsafe text.withUnsafeBufferPointer { text in
            var value: Int64 = 0
            // At most 18 digits: neither step can overflow.
            for index in place where unsafe text[index] != UInt8(ascii: "-") {
                unsafe value = value &* 10 &+ Int64(text[index] &- 0x30)
            }
            return unsafe text[place.lowerBound] == UInt8(ascii: "-") ? 0 &- value : value
        }
    }
}

extension ArraySlice {
    /// Those at places that are counted from the beginning of the slice.
    fileprivate subscript(place places: Range<Int>) -> ArraySlice {
        self[startIndex + places.lowerBound..<startIndex + places.upperBound]
    }
}

extension JSONMembers.Kind {
    /// The kind of a value that was made already; what is no text has no place to be looked at.
    fileprivate init(_ value: JSONValue?) {
        switch value {
        case nil: self = .absent
        case .string: self = .escapedString
        case .integer: self = .integer
        case .number: self = .number
        case .bool(let flag): self = flag ? .literalTrue : .literalFalse
        case .null: self = .literalNull
        case .array: self = .array
        case .object: self = .object
        }
    }
}
