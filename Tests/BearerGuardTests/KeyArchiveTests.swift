// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Keys of the past.
@Suite("Key archive")
struct KeyArchiveTests {
    private let folder: TemporaryFolder
    private let archive: KeyArchive
    private let issuer = "https://issuer.test"

    init() throws {
        folder = try TemporaryFolder()
        archive = try KeyArchive(directory: "\(folder.path)/archive")
    }

    private func set(_ keys: SigningKey...) -> [UInt8] {
        Array((["keys": .array(keys.map(\.jwk))] as JSONValue).text.utf8)
    }

    private func names(at seconds: Int64, _ archive: KeyArchive? = nil) throws -> [String]? {
        try (archive ?? self.archive).keys(of: issuer, at: UnixTime(seconds: seconds))?.keys.map { $0.keyID ?? "" }
    }

    /// Sets of a and b at 100, of b and c at 200, seen again at 150 and 300.
    private func fill() throws -> [SigningKey] {
        let keys = try ["a", "b", "c"].map { try SigningKey(.es256, keyID: $0) }
        let first = Array(JWKSet.text(keys[0].jwk, keys[1].jwk).utf8)
        let second = Array(JWKSet.text(keys[1].jwk, keys[2].jwk).utf8)
        try archive.record(first, of: issuer, at: UnixTime(seconds: 100))
        try archive.record(first, of: issuer, at: UnixTime(seconds: 150))
        try archive.record(second, of: issuer, at: UnixTime(seconds: 200))
        try archive.record(nil, of: issuer, at: UnixTime(seconds: 300))
        return keys
    }

    @Test("It gives the keys that held at a time, and between two sets those of both")
    func past() throws {
        _ = try fill()
        for archive in [archive, try KeyArchive(reading: "\(folder.path)/archive")] {
            #expect(try names(at: 99, archive) == nil)
            #expect(try names(at: 100, archive) == ["a", "b"])
            #expect(try names(at: 150, archive) == ["a", "b"])
            #expect(try names(at: 199, archive) == ["a", "b", "c"])
            #expect(try names(at: 200, archive) == ["b", "c"])
            #expect(try names(at: 9_999, archive) == ["b", "c"])
        }
    }

    @Test("It says of each key when it was first and last seen, and since when it is withdrawn")
    func keys() throws {
        _ = try fill()
        let keys = try KeyArchive(reading: "\(folder.path)/archive").keys(of: issuer)
        #expect(keys.map(\.keyID) == ["a", "b", "c"])
        #expect(keys.map(\.firstSeen.seconds) == [100, 100, 200])
        #expect(keys.map(\.lastSeen.seconds) == [150, 300, 300])
        #expect(keys.map(\.withdrawnSince?.seconds) == [200, nil, nil])
    }

    @Test("A line that a crash cut short is left out, and swallows no later one")
    func cutShort() throws {
        let keys = try fill()
        let name = try #require(archiveFile)
        let whole = try folder.read(name)
        // Every place where the last line may have been cut.
        let lastLine = whole.dropLast().lastIndex(of: "\n").map { whole.distance(from: whole.startIndex, to: $0) } ?? 0
        for length in stride(from: lastLine + 2, to: whole.count - 1, by: 7) {
            try folder.write(name, String(whole.prefix(length)))
            let reopened = try KeyArchive(reading: "\(folder.path)/archive")
            #expect(try names(at: 9_999, reopened) == ["b", "c"])
            try reopened.record(set(keys[2]), of: issuer, at: UnixTime(seconds: 400))
            let again = try KeyArchive(reading: "\(folder.path)/archive")
            #expect(try names(at: 9_999, again) == ["c"])
            #expect(try names(at: 200, again) == ["b", "c"])
        }
    }

    private var archiveFile: String? {
        TemporaryFolder.names(of: "\(folder.path)/archive").first.map { "archive/\($0)" }
    }

    @Test("A line that was changed is left out by its checksum; the others stay")
    func changed() throws {
        _ = try fill()
        let name = try #require(archiveFile)
        try folder.write(name, try folder.read(name).replacing(#""at":200"#, with: #""at":120"#))
        let reopened = try KeyArchive(reading: "\(folder.path)/archive")
        // The line itself, and the one that says that its set was seen again.
        #expect(try reopened.history(of: issuer).damagedLines == 2)
        #expect(try names(at: 250, reopened) == ["a", "b"])
    }

    @Test("A set that is none is refused and not recorded; issuers are apart, and none names a path")
    func apart() throws {
        _ = try fill()
        #expect(throws: ConfigurationError.self) {
            try archive.record(Array("<html>".utf8), of: issuer, at: UnixTime(seconds: 500))
        }
        #expect(throws: ConfigurationError.self) {
            try archive.record(Array(#"{"keys":[]}"#.utf8), of: issuer, at: UnixTime(seconds: 500))
        }
        #expect(try names(at: 9_999) == ["b", "c"])
        let key = try SigningKey(.es256, keyID: "z")
        try archive.record(set(key), of: "https://../../etc/passwd", at: UnixTime(seconds: 1))
        #expect(TemporaryFolder.names(of: "\(folder.path)/archive").count == 2)
        #expect(folder.names == ["archive"])
    }

    @Test("A key replaced under its kid is the one of its own time")
    func replaced() throws {
        let keys = try (0..<2).map { _ in try SigningKey(.es256, keyID: "same") }
        try archive.record(set(keys[0]), of: issuer, at: UnixTime(seconds: 100))
        try archive.record(set(keys[1]), of: issuer, at: UnixTime(seconds: 200))
        func thumbprint(_ key: SigningKey) throws -> String {
            try JWKThumbprint.sha256(try #require(key.jwk.objectValue))
        }
        for (seconds, key) in [(100, keys[0]), (199, keys[0]), (200, keys[1])] as [(Int64, SigningKey)] {
            let held = try #require(try archive.keys(of: issuer, at: UnixTime(seconds: seconds)))
            #expect(held.keys.map(\.thumbprint) == [try thumbprint(key)])
        }
    }
}
