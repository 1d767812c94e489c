// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// The key file: the last good set of an issuer, so that a restart while the issuer is down keeps serving.
///
/// Whoever can write the file can put keys into it; it belongs where only this program can write.
final class SavedKeySet: Sendable {
    /// A set as it was saved.
    struct Saved {
        let set: JWKSet
        let age: Duration
        let entityTag: String?
        let lastModified: String?
    }

    private let path: String
    /// Which issuer or address the set is of: a file of another one is not taken.
    private let source: String
    private let clock: WallClock
    private let last = Mutex<JSONValue?>(nil)

    init(path: String, source: String, clock: WallClock) {
        self.path = path
        self.source = source
        self.clock = clock
    }

    /// The set in the file; nil where there is no file yet.
    ///
    /// - Throws: ``ConfigurationError`` when the file cannot be read, was changed or cut, is another issuer's, comes from
    ///   the future, or holds no usable key.
    func load() throws(ConfigurationError) -> Saved? {
        guard LocalFile.exists(path) else { return nil }
        let text = try LocalFile.read(path, limit: 2 * 1024 * 1024)
        guard let object = try? JSONDocument.object(text, limits: .document), object["version"] == 1,
            let sum = object["sum"]?.stringValue, sum.isExactly(Self.sum(of: object))
        else { throw ConfigurationError("\(path): not a key file, or damaged") }
        guard object["source"]?.stringValue?.isExactly(source) == true else {
            throw ConfigurationError("\(path): a key file of another issuer")
        }
        guard let savedAt = object["savedAt"]?.integerValue, let keySet = object["keySet"]?.stringValue,
            let set = try? JWKSet(keySet.utf8, origin: .fetched), set.usableKeyCount > 0
        else { throw ConfigurationError("\(path): a key file without a usable key") }
        let (age, overflow) = clock.now().seconds.subtractingReportingOverflow(savedAt)
        // Clocks of two runs may differ a little; a time far ahead would keep keys usable for ever.
        guard !overflow, age > -300 else { throw ConfigurationError("\(path): a key file from the future") }
        last.withLock { $0 = .object(object) }
        return Saved(
            set: set,
            age: .seconds(max(0, age)),
            entityTag: object["entityTag"]?.stringValue,
            lastModified: object["lastModified"]?.stringValue
        )
    }

    /// Saves a set that was just taken.
    func save(_ keySet: [UInt8], entityTag: String?, lastModified: String?) throws(ConfigurationError) {
        // A set that could not be saved must not be replaced by the confirmation of the one before.
        last.withLock { $0 = nil }
        let members: [(String, JSONValue)] = [
            ("keySet", .string(String(decoding: keySet, as: UTF8.self))),
            ("entityTag", entityTag.map { .string($0) } ?? .null),
            ("lastModified", lastModified.map { .string($0) } ?? .null),
        ]
        try write(.object(members))
    }

    /// Saves that the set of the file was confirmed just now.
    func confirm() throws(ConfigurationError) {
        if let value = last.withLock({ $0 }) { try write(value) }
    }

    private func write(_ value: JSONValue) throws(ConfigurationError) {
        var members: [(String, JSONValue)] = [
            ("version", 1), ("source", .string(source)), ("savedAt", .integer(clock.now().seconds)),
        ]
        for name in ["keySet", "entityTag", "lastModified"] {
            members.append((name, value.objectValue?[name] ?? .null))
        }
        members.append(
            ("sum", .string(Self.sum(of: JSONObject(members: members.map { .init(name: $0.0, value: $0.1) }))))
        )
        let whole = JSONValue.object(members)
        try LocalFile.replace(path, with: Array((whole.text + "\n").utf8))
        last.withLock { $0 = whole }
    }

    /// A checksum against damage, not against an attacker.
    private static func sum(of object: JSONObject) -> String {
        let members = object.members.filter { $0.name != "sum" }
        return Base64URL.encode(SHA256.hash(JSONValue.object(JSONObject(members: members)).text.utf8))
    }
}
