// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// Every key set that issuers published, with the times: so that a token captured long ago is judged by the keys of its
/// own time.
///
/// A folder with one file for each issuer, to which lines are added and never changed. A line that a crash cut short, or
/// that was damaged, is left out by its checksum; the others stay.
public final class KeyArchive: Sendable {
    /// One key and when it was published, in seconds since 1970.
    public struct ArchivedKey: Sendable, Hashable {
        /// `kid`, escaped; nil where the key has none.
        public let keyID: String?
        /// RFC 7638 thumbprint.
        public let thumbprint: String
        /// The first set that had it.
        public let firstSeen: UnixTime
        /// The last time it was seen.
        public let lastSeen: UnixTime
        /// The first set that no longer had it; nil while it is published.
        public let withdrawnSince: UnixTime?
    }

    private let directory: String
    private let histories = Mutex<[ExactString: KeyHistory]>([:])
    /// One writer at a time: a record reads, adds and writes.
    private let writing = Mutex(())

    /// Opens the archive in `directory`, which is made if it is not there.
    ///
    /// - Throws: ``ConfigurationError`` when the folder cannot be made.
    public init(directory: String) throws(ConfigurationError) {
        self.directory = directory
        try LocalFile.makeFolder(directory)
    }

    /// Opens the archive in `directory` to read it.
    ///
    /// - Throws: ``ConfigurationError`` when there is no such folder.
    public init(reading directory: String) throws(ConfigurationError) {
        guard LocalFile.exists(directory) else { throw ConfigurationError("\(directory): no such folder") }
        self.directory = directory
    }

    /// Adds what an issuer published at a time; a set like the one before becomes a note that it was seen again.
    ///
    /// - Parameters:
    ///   - keySet: the JWK Set as it was sent; nil where the issuer answered that it did not change.
    ///   - issuer: the issuer identifier.
    ///   - time: when it was seen.
    /// - Throws: ``ConfigurationError`` when the set cannot be read, or the file cannot be read or written.
    public func record(_ keySet: [UInt8]?, of issuer: String, at time: UnixTime) throws(ConfigurationError) {
        try writing.withLock { _ throws(ConfigurationError) in try add(keySet, of: issuer, at: time) }
    }

    private func add(_ keySet: [UInt8]?, of issuer: String, at time: UnixTime) throws(ConfigurationError) {
        var history = try history(of: issuer)
        let path = path(of: issuer)
        let line: String
        if let keySet, !history.isLatest(keySet) {
            try history.add(keySet, at: time)
            line = Self.line([
                ("at", .integer(time.seconds)), ("issuer", .string(issuer)),
                ("keySet", .string(String(decoding: keySet, as: UTF8.self))),
            ])
        } else {
            guard let sum = history.confirm(at: time) else { return }
            line = Self.line([("at", .integer(time.seconds)), ("seenAgain", .string(sum))])
        }
        // A line that a crash cut short must not swallow this one.
        let start = history.endsInMidLine ? "\n" : ""
        try LocalFile.append(Array((start + line).utf8), to: path)
        history.endsInMidLine = false
        let changed = history
        histories.withLock { $0[ExactString(issuer)] = changed }
    }

    /// The keys that an issuer had at a time; nil where the archive knows of none that early.
    ///
    /// Between two sets, those of both: the change happened at some moment between them.
    ///
    /// - Throws: ``ConfigurationError`` when the file cannot be read.
    package func keys(of issuer: String, at time: UnixTime) throws(ConfigurationError) -> KeySnapshot? {
        try history(of: issuer).held(at: time)?.keys
    }

    /// Every key of an issuer, in the order of their appearance.
    ///
    /// - Throws: ``ConfigurationError`` when the file cannot be read.
    public func keys(of issuer: String) throws(ConfigurationError) -> [ArchivedKey] {
        try history(of: issuer).keys
    }

    /// All sets of an issuer, read once and kept.
    package func history(of issuer: String) throws(ConfigurationError) -> KeyHistory {
        if let known = histories.withLock({ $0[ExactString(issuer)] }) { return known }
        var history = KeyHistory()
        let path = path(of: issuer)
        if LocalFile.exists(path) {
            let text = try LocalFile.read(path, limit: Self.bytes)
            history.endsInMidLine = text.last.map { $0 != UInt8(ascii: "\n") } ?? false
            for line in text.split(separator: UInt8(ascii: "\n")) {
                guard let object = Self.object(of: line), let at = object["at"]?.integerValue else {
                    history.damagedLines += 1
                    continue
                }
                let time = UnixTime(seconds: at)
                if let sum = object["seenAgain"]?.stringValue {
                    // Of another set than the last one that could be read: then that line is what is damaged.
                    if history.confirm(at: time, sum: sum) == nil { history.damagedLines += 1 }
                } else if object["issuer"]?.stringValue?.isExactly(issuer) == true,
                    let keySet = object["keySet"]?.stringValue
                {
                    try? history.add(Array(keySet.utf8), at: time)
                }
            }
        }
        histories.withLock { $0[ExactString(issuer)] = history }
        return history
    }

    /// Most bytes of one issuer's file: centuries at the pace of any real issuer.
    private static let bytes = 1 << 30

    /// The name is a hash: an issuer is a URL, and no text from outside becomes a path.
    private func path(of issuer: String) -> String {
        let name = SHA256.hash(issuer.utf8).prefix(16).map {
            $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16)
        }
        return "\(directory)/\(name.joined()).ndjson"
    }

    private static func line(_ members: [(String, JSONValue)]) -> String {
        let text = JSONValue.object(members).text
        return JSONValue.object(members + [("sum", .string(sum(of: text)))]).text + "\n"
    }

    /// The members of a line whose checksum is right.
    private static func object(of line: ArraySlice<UInt8>) -> JSONObject? {
        guard let object = try? JSONDocument.object(Array(line), limits: .document),
            let sum = object["sum"]?.stringValue
        else { return nil }
        let members = JSONObject(members: object.members.filter { $0.name != "sum" })
        return sum.isExactly(self.sum(of: JSONValue.object(members).text)) ? members : nil
    }

    private static func sum(of text: String) -> String { Base64URL.encode(SHA256.hash(text.utf8).prefix(12)) }
}
