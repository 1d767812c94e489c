// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Keys in files: those of an operator, and the last good set of an issuer.
@Suite("Key files")
struct KeyFileTests {
    private let fixture: RemoteKeysFixture
    private let folder: TemporaryFolder

    init() throws {
        fixture = try RemoteKeysFixture()
        folder = try TemporaryFolder()
    }

    private var path: String { "\(folder.path)/keys.json" }

    /// Fetches, and waits until the set is in the key file, which is written after requests are served.
    private func save() async throws {
        let keys = try fixture.makeKeys(keyFile: path)
        try await keys.warmUp()
        await keys.settled()
        #expect(folder.names == ["keys.json"])
    }

    private func makeKeyFile() throws -> KeyFile {
        try KeyFile(path: path, clock: fixture.clock.monotonic, onRefresh: fixture.events.keyRefreshes, alias: "file")
    }

    @Test("A file that is replaced is read again: within seconds, and at once for a key that is not known")
    func reloaded() async throws {
        try folder.write("keys.json", fixture.issuer.keySet)
        let guarding = try fixture.makeGuard(try makeKeyFile())
        let old = fixture.issuer.token()
        #expect(await guarding.outcome(old) == "authorized")
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "second"))
        try folder.write("keys.json", fixture.issuer.keySet)
        #expect(await guarding.outcome(old) == "authorized")
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(await guarding.outcome(old) == "unknown_key")
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "third"))
        let second = fixture.events.refreshes
        #expect(second.map(\.keyIDs) == [["second"]])
        try folder.write("keys.json", fixture.issuer.keySet)
        fixture.clock.advance(by: 5)
        #expect(await guarding.outcome(old) == "unknown_key")
        #expect(fixture.events.refreshes.map(\.keyIDs) == [["second"], ["third"]])
    }

    @Test("A file that cannot be used changes nothing, and is told once", arguments: ["", "{", #"{"keys":[]}"#])
    func faulty(_ text: String) async throws {
        try folder.write("keys.json", fixture.issuer.keySet)
        let keys = try makeKeyFile()
        let guarding = try fixture.makeGuard(keys)
        try folder.write("keys.json", text)
        fixture.clock.advance(by: 5)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        fixture.clock.advance(by: 5)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(fixture.events.refreshes.map(\.alarms) == [[KeyAlarm(.sourceFailing)], []])
        #expect(keys.status().failingFor == .seconds(5))
        try folder.write("keys.json", fixture.issuer.keySet)
        fixture.clock.advance(by: 5)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(fixture.events.refreshes.last?.alarms == [KeyAlarm(.sourceRecovered)])
    }

    @Test("A file that is not there when a guard is built is a configuration error that names it")
    func missing() throws {
        let error = try #require(throws: ConfigurationError.self) { try makeKeyFile() }
        #expect(error.message.hasPrefix(path))
    }

    @Test("After a restart during an outage the last good set serves, and the source's recovery is noticed")
    func restart() async throws {
        fixture.publish(fields: ["ETag": "\"7\""])
        try await save()
        #expect(folder.names == ["keys.json"])
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .failure(.connection))
        fixture.clock.advance(by: 7200)
        let keys = try fixture.makeKeys(keyFile: path)
        let guarding = try fixture.makeGuard(keys)
        #expect(guarding.isReady)
        #expect(keys.status().origin == .keyFile)
        #expect(keys.status().age == .seconds(7200))
        #expect(await guarding.outcome(fixture.issuer.token(lifetime: 100_000)) == "authorized by stale keys")
        await fixture.events.refreshes(count: 2)
        #expect(fixture.fetcher.requests.last?.entityTag == "\"7\"")
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .status(304))
        fixture.clock.advance(by: 2)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized by stale keys")
        await fixture.events.refreshes(count: 3)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        // The confirmation counts: a second restart begins from here.
        await keys.settled()
        #expect(try fixture.makeKeys(keyFile: path).status().age == .zero)
    }

    @Test("A set older than a day is not taken from the key file")
    func tooOld() async throws {
        fixture.publish()
        try await save()
        fixture.clock.advance(by: 86_400)
        #expect(try fixture.makeKeys(keyFile: path).status().state == .unavailable)
    }

    @Test("A key file that was cut, changed, made for another issuer, or comes from the future is not taken")
    func damaged() async throws {
        fixture.publish()
        try await save()
        let good = try folder.read("keys.json")
        let other = try SigningKey(.es256, keyID: "ES256-1")
        for text in [
            String(good.dropLast(20)), "", good.replacing("savedAt", with: "savedat"),
            good.replacing("fixture", with: "other").replacing("issuer.test/jwks", with: "other.test/jwks"),
            good.replacing(
                JSONValue.string(fixture.issuer.keySet).text,
                with: JSONValue.string(JWKSet.text(other.jwk)).text
            ),
        ] where text != good {
            try folder.write("keys.json", text)
            let count = fixture.events.refreshes.count
            #expect(try fixture.makeKeys(keyFile: path).status().state == .unavailable)
            #expect(fixture.events.refreshes.dropFirst(count).map(\.alarms) == [[KeyAlarm(.keyFileFailing)]])
        }
        try folder.write("keys.json", good)
        fixture.clock.stepWall(by: -3600)
        #expect(try fixture.makeKeys(keyFile: path).status().state == .unavailable)
    }

    @Test("Where the key file cannot be written, keys serve all the same and the alarm says so")
    func unwritable() async throws {
        fixture.publish()
        let keys = try fixture.makeKeys(keyFile: "\(folder.path)/missing/keys.json")
        try await keys.warmUp()
        await fixture.events.refreshes(count: 2)
        #expect(fixture.events.refreshes.map(\.alarms) == [[], [KeyAlarm(.keyFileFailing)]])
        #expect(keys.status().state == .fresh)
    }
}
