// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import CJansson

/// One parsed JSON text: the owner of jansson's tree, which lives no longer than the conversion to Swift values.
///
/// jansson keeps the last of two equal member names, nests to 2048 levels and seeds its hash late unless told
/// otherwise; this type is where all of that is told otherwise.
@safe
package struct JSONDocument: ~Copyable {
    private let root: UnsafeMutablePointer<json_t>
    private let escapedNUL: EscapedNUL?

    /// Parses `bytes`, which must be one JSON value and nothing else.
    package init(_ bytes: [UInt8], limits: JSONLimits) throws(JSONError) {
        try limits.check(bytes)
        _ = Self.seed
        // jansson loses a NUL byte behind a number.
        guard !bytes.contains(0) else { throw .malformed }
        let escapedNUL = try EscapedNUL(bytes)
        let root = unsafe try Self.parse(escapedNUL?.text ?? bytes)
        self.escapedNUL = escapedNUL
        unsafe self.root = root
    }

    deinit {
        unsafe bearerguard_json_release(root)
    }

    /// The whole text as a Swift value.
    package var value: JSONValue { unsafe convert(root) }

    /// The members of the outermost object.
    package func object() throws(JSONError) -> JSONObject {
        guard case .object(let members) = value else { throw .notAnObject }
        return members
    }

    /// Parses `bytes` and returns the members of the outermost object.
    package static func object(_ bytes: [UInt8], limits: JSONLimits) throws(JSONError) -> JSONObject {
        try JSONDocument(bytes, limits: limits).object()
    }

    /// Whether `bytes` are one JSON value and nothing else, repeated member names and all.
    package static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        _ = seed
        guard !bytes.contains(0) else { return false }
        guard let escapedNUL = try? EscapedNUL(bytes).map(\.text) ?? bytes else { return false }
        var error = json_error_t()
        let flags = Int(JSON_DECODE_ANY)
        let root = unsafe escapedNUL.withUnsafeBytes { unsafe json_loadb($0.baseAddress, $0.count, flags, &error) }
        guard let root = unsafe root else { return false }
        unsafe bearerguard_json_release(root)
        return true
    }

    /// The line on which jansson stops reading a text; nil where it does not stop.
    package static func faultLine(_ bytes: [UInt8]) -> Int? {
        _ = seed
        var error = json_error_t()
        let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
        let root = unsafe bytes.withUnsafeBytes { unsafe json_loadb($0.baseAddress, $0.count, flags, &error) }
        if let root = unsafe root {
            unsafe bearerguard_json_release(root)
            return nil
        }
        return error.line > 0 ? Int(error.line) : nil
    }

    /// Seeds the member hash once, before threads can race for it (jansson's threading notes).
    private static let seed: Void = json_object_seed(0)

    private static func parse(_ bytes: [UInt8]) throws(JSONError) -> UnsafeMutablePointer<json_t> {
        do throws(JSONError) {
            return unsafe try load(bytes, flags: 0)
        } catch .numberOutOfRange {
            // An integer of more than 64 bits is legal JSON: read all integers as doubles then, which leaves only
            // what no double can hold (1e400) out of range.
            return unsafe try load(bytes, flags: JSON_DECODE_INT_AS_REAL)
        }
    }

    private static func load(_ bytes: [UInt8], flags: Int32) throws(JSONError) -> UnsafeMutablePointer<json_t> {
        var error = json_error_t()
        let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags)
        let root = unsafe bytes.withUnsafeBytes { unsafe json_loadb($0.baseAddress, $0.count, flags, &error) }
        if let root = unsafe root { return unsafe root }
        switch unsafe UInt32(bearerguard_json_error_code(&error)) {
        case json_error_duplicate_key.rawValue: throw .duplicateMember
        case json_error_numeric_overflow.rawValue: throw .numberOutOfRange
        default: throw .malformed
        }
    }

    /// Copies out of the tree.
    ///
    /// `node` is borrowed; every pointer jansson returns here is too.
    private func convert(_ node: UnsafeMutablePointer<json_t>) -> JSONValue {
        switch unsafe UInt32(bearerguard_json_type(node)) {
        case JSON_OBJECT.rawValue:
            var members: [JSONObject.Member] = []
            unsafe members.reserveCapacity(json_object_size(node))
            var iterator = unsafe json_object_iter(node)
            while let position = unsafe iterator {
                if let name = unsafe json_object_iter_key(position), let value = unsafe json_object_iter_value(position)
                {
                    unsafe members.append(.init(name: restored(String(cString: name)), value: convert(value)))
                }
                unsafe iterator = json_object_iter_next(node, position)
            }
            return .object(JSONObject(members: members))
        case JSON_ARRAY.rawValue:
            var entries: [JSONValue] = []
            let count = unsafe json_array_size(node)
            entries.reserveCapacity(count)
            for index in 0..<count {
                if let entry = unsafe json_array_get(node, index) { unsafe entries.append(convert(entry)) }
            }
            return .array(entries)
        case JSON_STRING.rawValue:
            let length = unsafe json_string_length(node)
            let bytes = unsafe UnsafeRawBufferPointer(start: json_string_value(node), count: length)
            return unsafe .string(restored(String(decoding: bytes, as: UTF8.self)))
        case JSON_INTEGER.rawValue: return unsafe .integer(Int64(json_integer_value(node)))
        case JSON_REAL.rawValue: return unsafe .number(json_real_value(node))
        case JSON_TRUE.rawValue: return .bool(true)
        case JSON_FALSE.rawValue: return .bool(false)
        default: return .null
        }
    }

    private func restored(_ text: String) -> String { escapedNUL?.restored(text) ?? text }
}
