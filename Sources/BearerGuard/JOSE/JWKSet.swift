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

        /// Checks a key, which takes milliseconds for RSA.
        package init(_ members: Result<JSONObject, JSONError>, _ origin: JWK.Origin) {
            switch members {
            case .success(let members):
                keyID = members["kid"]?.stringValue
                key = Result { () throws(KeyFault) in try JWK.read(members, origin: origin) }
                self.members = members
            case .failure(let error):
                keyID = nil
                key = .failure(.invalid(error.detail))
                self.members = nil
            }
        }
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
        self.init(entries: try Self.members(of: text).map { Entry($0, origin) })
    }

    package init(entries: [Entry]) { self.entries = entries }

    /// The members of each entry, which may be read one by one.
    package static func members(of text: [UInt8]) throws(JWKSetFault) -> [Result<JSONObject, JSONError>] {
        let members: [Result<JSONObject, JSONError>]?
        do {
            let keys = try JSONDocument.object(text, limits: .keySet)["keys"]?.arrayValue
            members = keys?.map { value in value.objectValue.map(Result.success) ?? .failure(JSONError.notAnObject) }
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
            members = entries.map { entry in
                Result { () throws(JSONError) in try JSONDocument.object(Array(entry), limits: .keySet) }
            }
        }
        guard let members else { throw JWKSetFault(detail: "the key set has no array 'keys'") }
        guard members.count <= maximumKeys else { throw JWKSetFault(detail: "the key set has over 256 keys") }
        return members
    }

    /// The number of keys that can verify something.
    public var usableKeyCount: Int {
        entries.count { if case .success = $0.key { true } else { false } }
    }
}

/// Why a text is no key set at all.
package struct JWKSetFault: Error {
    package let detail: String
}
