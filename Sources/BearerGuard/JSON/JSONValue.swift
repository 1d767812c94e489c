// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A JSON value (RFC 8259) as plain Swift data.
///
/// Comparison is by code points: unlike `String`, two texts that only *look* alike under Unicode
/// normalisation are different values here.
public enum JSONValue: Sendable, Hashable {
    /// The literal `null`.
    case null
    /// `true` or `false`; never a number.
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other finite number.
    case number(Double)
    /// A string, kept as the code points that were sent.
    case string(String)
    /// An ordered list of values.
    case array([JSONValue])
    /// Members with unique names.
    case object(JSONObject)

    /// The text of a string value.
    public var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The entries of an array value.
    public var arrayValue: [JSONValue]? {
        guard case .array(let entries) = self else { return nil }
        return entries
    }

    /// The members of an object value.
    public var objectValue: JSONObject? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The value of a boolean.
    public var boolValue: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    /// The value of an integer.
    public var integerValue: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    /// The entries of an array that holds nothing but strings.
    package var stringsValue: [String]? {
        guard let entries = arrayValue else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(entries.count)
        for entry in entries {
            guard let text = entry.stringValue else { return nil }
            strings.append(text)
        }
        return strings
    }

    /// Bytes that it keeps alive beyond its own, estimated.
    // Calls itself: its code would be in the program many times.
    @inline(never)
    var retainedBytes: Int {
        switch self {
        case .null, .bool, .integer, .number: 0
        case .string(let text): 32 + text.utf8.count
        case .array(let entries): entries.reduce(32) { $0 + MemoryLayout<JSONValue>.stride + $1.retainedBytes }
        case .object(let members): 32 + members.retainedBytes
        }
    }

    /// Compares by code points, and integers with integral reals by value.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Int64(exactly: b) == a
        case (.string(let a), .string(let b)): a.isExactly(b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let flag): hasher.combine(flag)
        case .integer(let number): hasher.combine(number)
        case .number(let number):
            if let whole = Int64(exactly: number) { hasher.combine(whole) } else { hasher.combine(number) }
        case .string(let text): hasher.combine(ExactString(text))
        case .array(let entries): hasher.combine(entries)
        case .object(let members): hasher.combine(members.count)
        }
    }
}
