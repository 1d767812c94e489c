// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Why a text was refused as JSON (RFC 8259), without any of its bytes.
package enum JSONError: Error, Hashable {
    /// Not JSON, not UTF-8, with text behind the value, or with a bare control character in a string.
    case malformed
    /// A member name occurs twice in one object (RFC 7519 §4 lets a reader refuse that).
    case duplicateMember
    /// Nested deeper than ``JSONLimits/depth``.
    case tooDeep
    /// More members or entries than ``JSONLimits/elements``, or of both than ``JSONLimits/entries``.
    case tooManyElements
    /// More names and numbers in other than a usual spelling than ``JSONLimits/oddSpellings``.
    case tooManyOddSpellings
    /// A string longer than ``JSONLimits/stringBytes``.
    case stringTooLong
    /// A number that no finite double can hold, such as `1e400`.
    case numberOutOfRange
    /// The outermost value is not an object.
    case notAnObject

    /// A fixed sentence for operators.
    package var detail: String {
        switch self {
        case .malformed: "not valid JSON"
        case .duplicateMember: "a JSON member name occurs twice"
        case .tooDeep: "JSON nested too deep"
        case .tooManyElements: "too many members of JSON objects, or entries of arrays"
        case .tooManyOddSpellings: "too many JSON names with escapes or beyond ASCII, or long numbers"
        case .stringTooLong: "a JSON string is too long"
        case .numberOutOfRange: "a JSON number is out of range"
        case .notAnObject: "not a JSON object"
        }
    }
}
