// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The scopes a token grants: a set compared exactly and case-sensitively (RFC 6749 §3.3).
public struct Scopes: Sendable, Hashable {
    /// The scopes in the order of the token, each once.
    public let values: [String]
    private let set: Set<ExactString>

    package init(_ values: [String]) {
        var set: Set<ExactString> = []
        self.values = values.filter { set.insert(ExactString($0)).inserted }
        self.set = set
    }

    /// Whether `scope` itself was granted; `read` is not `read_all`, nor `Read`.
    public func contains(_ scope: String) -> Bool { set.contains(ExactString(scope)) }

    /// Reads the union of `scope` and `scp`, each a string with spaces or an array.
    ///
    /// Returns nil where one of them has another type or a character that RFC 6749 forbids in a scope.
    package init?(claims: JSONObject) {
        var values: [String] = []
        for name in ["scope", "scp"] {
            guard let claim = claims[name] else { continue }
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
        !text.isEmpty && text.utf8.allSatisfy { $0 == 0x21 || (0x23...0x5B).contains($0) || (0x5D...0x7E).contains($0) }
    }
}
