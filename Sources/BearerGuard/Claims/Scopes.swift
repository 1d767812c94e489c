// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The scopes a token grants: a set compared exactly and case-sensitively (RFC 6749 §3.3).
public struct Scopes: Sendable, Hashable {
    /// The scopes in the order of the token, each once.
    public let values: [String]

    package init(_ values: [String]) {
        if values.count <= Self.few {
            var distinct: [String] = []
            distinct.reserveCapacity(values.count)
            for value in values where !distinct.containsExactly(value) { distinct.append(value) }
            self.values = distinct
        } else {
            var seen: Set<ExactString> = []
            self.values = values.filter { seen.insert(ExactString($0)).inserted }
        }
    }

    /// Where scopes stand (RFC 8693 §4.2; Okta and Entra).
    private static let members: [TokenMember] = [.scope, .shortScope]

    /// Up to here comparing each with each is quicker than hashing.
    private static let few = 32

    /// Whether `scope` itself was granted; `read` is not `read_all`, nor `Read`.
    public func contains(_ scope: String) -> Bool { values.containsExactly(scope) }

    /// Whether `scope` and `scp` are there or not, but are lists of scopes.
    static func areReadable(in claims: JSONObject) -> Bool {
        isReadable(.scope, in: claims) && isReadable(.shortScope, in: claims)
    }

    @_optimize(speed)
    private static func isReadable(_ member: TokenMember, in claims: JSONObject) -> Bool {
        guard claims.has(member) else { return true }
        // Nearly always it is plain text, which need not be made to be looked at. As it stands in JSON it has neither
        // quotes nor backslashes nor control characters.
        let isList = claims.isTextOrAbsent(member)
        let arePlain = unsafe claims.allTexts(at: member) { text in
            unsafe (isList || !text.isEmpty) && JSONText.isPrintable(text, withSpaces: isList)
        }
        if arePlain == true { return true }
        switch claims[member] {
        case .string(let text): return text.utf8.allSatisfy { $0 == 0x20 || isScopeByte($0) }
        case .array(let entries): return entries.allSatisfy { $0.stringValue.map(isScope) ?? false }
        default: return false
        }
    }

    /// Whether readable claims grant `scope`, without making the others; nil where they must be made.
    static func grant(_ scope: String, in claims: JSONObject) -> Bool? {
        guard !scope.isEmpty else { return false }
        for member in members {
            guard let isListed = claims.lists(scope, at: member) else { return nil }
            if isListed { return true }
        }
        return false
    }

    /// Reads the union of `scope` and `scp` out of claims that were found to be readable.
    init(readable claims: JSONObject) {
        var values: [String] = []
        for member in Self.members {
            switch claims[member] {
            case .string(let text):
                for part in text.utf8.split(separator: UInt8(ascii: " ")) {
                    values.append(String(decoding: part, as: UTF8.self))
                }
            case .array(let entries): for entry in entries { if let text = entry.stringValue { values.append(text) } }
            default: continue
            }
        }
        self.init(values)
    }

    /// Reads the union of `scope` and `scp`, each a string with spaces or an array.
    ///
    /// Returns nil where one of them has another type or a character that RFC 6749 forbids in a scope.
    package init?(claims: JSONObject) {
        var values: [String] = []
        for member in Self.members {
            guard let claim = claims[member] else { continue }
            if let text = claim.stringValue {
                values += text.utf8.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            } else if let entries = claim.stringsValue {
                values += entries
            } else {
                return nil
            }
        }
        guard values.allSatisfy(Self.isScope) else { return nil }
        self.init(values)
    }

    /// Whether `text` is a scope-token: printable ASCII without space, `"` and `\`.
    package static func isScope(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isScopeByte)
    }

    private static func isScopeByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C
    }
}
