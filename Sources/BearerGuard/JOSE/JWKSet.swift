// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A JWK Set (RFC 7517 §5): every entry judged by itself, so that one broken or unknown entry never spoils the rest.
public struct JWKSet: Sendable {
    /// Most entries of one set.
    package static let maximumKeys = 256

    package struct Entry: Sendable {
        /// `kid`, where the entry has a readable one.
        package let keyID: String?
        package let key: Result<VerificationKey, KeyFault>
        /// The members as read, for reports; secret and private members are only ever named there, not shown.
        package let members: JSONObject?
    }

    package let entries: [Entry]

    /// Reads the text of a key set.
    ///
    /// - Parameters:
    ///   - text: JSON in UTF-8 with a member `keys`.
    ///   - allowingSecrets: whether `oct` entries may be used, which only an operator's own file may claim.
    /// - Throws: ``ConfigurationError`` when the text is not JSON, has no array `keys`, or holds more than 256 keys.
    public init(_ text: some Collection<UInt8>, allowingSecrets: Bool = false) throws(ConfigurationError) {
        do {
            try self.init(Array(text), origin: allowingSecrets ? .local : .fetched)
        } catch {
            throw ConfigurationError(error.detail)
        }
    }

    package init(_ text: [UInt8], origin: JWK.Origin) throws(JWKSetFault) {
        let object: JSONObject
        do {
            object = try JSONDocument.object(text, limits: .keySet)
        } catch {
            // One entry may be what cannot be read, for a repeated member say: then each is read by itself.
            guard let entries = JSONArrayEntries.split(text, member: "keys") else {
                // What people have at hand of a key, often enough.
                if text.starts(with: "-----BEGIN ".utf8) {
                    throw JWKSetFault(detail: "the key set is PEM, not a JWK Set in JSON")
                }
                let line = JSONDocument.faultLine(text).map { " (line \($0))" } ?? ""
                throw JWKSetFault(detail: "the key set is \(error.detail)\(line)")
            }
            try self.init(entries.map { entry in Result { () throws(JSONError) in try Self.members(entry) } }, origin)
            return
        }
        guard let keys = object["keys"]?.arrayValue else {
            throw JWKSetFault(detail: "the key set has no array 'keys'")
        }
        try self.init(
            keys.map { value in value.objectValue.map(Result.success) ?? .failure(JSONError.notAnObject) },
            origin
        )
    }

    private static func members(_ entry: ArraySlice<UInt8>) throws(JSONError) -> JSONObject {
        try JSONDocument.object(Array(entry), limits: .keySet)
    }

    private init(_ keys: [Result<JSONObject, JSONError>], _ origin: JWK.Origin) throws(JWKSetFault) {
        guard keys.count <= Self.maximumKeys else { throw JWKSetFault(detail: "the key set has over 256 keys") }
        entries = keys.map { entry in
            switch entry {
            case .success(let members):
                let key = Result { () throws(KeyFault) in try JWK.read(members, origin: origin) }
                return Entry(keyID: members["kid"]?.stringValue, key: key, members: members)
            case .failure(let error):
                return Entry(keyID: nil, key: .failure(.invalid(error.detail)), members: nil)
            }
        }
    }

    /// The number of keys that can verify something.
    public var usableKeyCount: Int {
        entries.count { if case .success = $0.key { true } else { false } }
    }
}

/// Why a text is no key set at all.
package struct JWKSetFault: Error, Hashable, Sendable {
    package let detail: String
}
