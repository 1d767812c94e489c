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
        let validators: KeySetValidators?
    }

    private struct Last {
        /// The fetch that brought it; zero for what an earlier run saved.
        var sequence: UInt64 = 0
        /// What the file holds; nil where that is not known.
        var value: JSONValue?
    }

    private let path: String
    /// Which issuer or address the set is of: a file of another one is not taken.
    private let source: String
    private let clock: WallClock
    /// Held while the file is written: of two fetches that end at once the younger one's set must be what stays.
    private let last = Mutex(Last())

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
            let set = try? JWKSet(Array(keySet.utf8), origin: .fetched), set.usableKeyCount > 0
        else { throw ConfigurationError("\(path): a key file without a usable key") }
        let (age, overflow) = clock.now().seconds.subtractingReportingOverflow(savedAt)
        // Clocks of two runs may differ a little; a time far ahead would keep keys usable for ever.
        guard !overflow, age > -300 else { throw ConfigurationError("\(path): a key file from the future") }
        last.withLock { $0.value = .object(object) }
        return Saved(
            set: set,
            age: .seconds(max(0, age)),
            validators: object["url"]?.stringValue.flatMap { url in
                KeySetValidators(
                    url: url,
                    entityTag: object["entityTag"]?.stringValue,
                    lastModified: object["lastModified"]?.stringValue
                )
            }
        )
    }

    /// Saves a set that the fetch with this number brought.
    func save(
        _ keySet: [UInt8],
        _ validators: KeySetValidators?,
        sequence: UInt64
    ) throws(ConfigurationError) {
        let members: [(String, JSONValue)] = [
            ("keySet", .string(String(decoding: keySet, as: UTF8.self))),
            ("url", validators.map { .string($0.url) } ?? .null),
            ("entityTag", validators?.entityTag.map { .string($0) } ?? .null),
            ("lastModified", validators?.lastModified.map { .string($0) } ?? .null),
        ]
        try write(.object(members), sequence: sequence)
    }

    /// Saves that the fetch with this number confirmed the set of the file.
    func confirm(sequence: UInt64) throws(ConfigurationError) {
        if let value = last.withLock({ $0.value }) { try write(value, sequence: sequence) }
    }

    private func write(_ value: JSONValue, sequence: UInt64) throws(ConfigurationError) {
        var members: [(String, JSONValue)] = [
            ("version", 1), ("source", .string(source)), ("savedAt", .integer(clock.now().seconds)),
        ]
        for name in ["keySet", "url", "entityTag", "lastModified"] {
            members.append((name, value.objectValue?[name] ?? .null))
        }
        members.append(
            ("sum", .string(Self.sum(of: JSONObject(members: members.map { .init(name: $0.0, value: $0.1) }))))
        )
        let whole = JSONValue.object(members)
        try last.withLock { last throws(ConfigurationError) in
            guard sequence >= last.sequence else { return }
            // A set that cannot be saved must not be replaced by the confirmation of the one before.
            last = Last(sequence: sequence, value: nil)
            try LocalFile.replace(path, with: Array((whole.text + "\n").utf8))
            last.value = whole
        }
    }

    /// A checksum against damage, not against an attacker.
    private static func sum(of object: JSONObject) -> String {
        let members = object.members.filter { $0.name != "sum" }
        return Base64URL.encode(SHA256.hash(JSONValue.object(JSONObject(members: members)).text.utf8))
    }
}
