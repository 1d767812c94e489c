// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Testing

/// Metadata, kept like keys.
@Suite("Discovery")
struct DiscoveryCacheTests {
    private let fixture: RemoteKeysFixture
    private let otherJWKSURL = "https://keys.issuer.test/v2/jwks"

    init() throws { fixture = try RemoteKeysFixture() }

    private func describe(_ jwksURL: String, fields: [String: String] = [:]) {
        fixture.fetcher.script(
            RemoteKeysFixture.metadataURL,
            .json(fixture.issuer.metadata(jwksURL: jwksURL), fields: fields)
        )
    }

    @Test("Metadata are fetched once for many key sets, and revalidated at the end of their life")
    func cached() async throws {
        describe(RemoteKeysFixture.jwksURL, fields: ["Cache-Control": "max-age=600", "ETag": "\"m\""])
        fixture.publish()
        let keys = try fixture.makeDiscoveringKeys()
        for _ in 0..<5 { try await keys.refreshNow() }
        #expect(fixture.fetcher.count(of: RemoteKeysFixture.metadataURL) == 1)
        #expect(fixture.fetcher.count(of: RemoteKeysFixture.jwksURL) == 5)
        fixture.clock.advance(by: 600)
        fixture.fetcher.script(RemoteKeysFixture.metadataURL, .status(304, fields: ["Cache-Control": "max-age=60"]))
        for _ in 0..<5 { try await keys.refreshNow() }
        let requests = fixture.fetcher.requests.filter { $0.url == RemoteKeysFixture.metadataURL }
        #expect(requests.map(\.entityTag) == [nil, "\"m\""])
    }

    @Test("A jwks_uri that changes is followed at the end of the metadata's life")
    func followed() async throws {
        describe(RemoteKeysFixture.jwksURL, fields: ["Cache-Control": "max-age=60"])
        fixture.publish()
        let keys = try fixture.makeDiscoveringKeys()
        let guarding = try fixture.makeGuard(keys)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        fixture.issuer.replace(.es256, by: try SigningKey(.es256, keyID: "moved"))
        describe(otherJWKSURL)
        fixture.fetcher.script(otherJWKSURL, .json(fixture.issuer.keySet))
        fixture.clock.advance(by: 60)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        #expect(fixture.fetcher.count(of: otherJWKSURL) == 1)
    }

    @Test("What one address calls unchanged says nothing of a set from another: ETags go where they came from")
    func validatorsOfOneAddress() async throws {
        describe(RemoteKeysFixture.jwksURL, fields: ["Cache-Control": "max-age=60"])
        fixture.publish(fields: ["ETag": "\"same\""])
        let keys = try fixture.makeDiscoveringKeys()
        try await keys.refreshNow()
        describe(otherJWKSURL)
        fixture.fetcher.script(otherJWKSURL, .status(304, fields: ["ETag": "\"same\""]))
        fixture.clock.advance(by: 60)
        try await keys.refreshNow()
        let requests = fixture.fetcher.requests.filter { $0.url == otherJWKSURL }
        #expect(requests.map(\.entityTag) == [nil, nil])
        #expect(keys.status().lastFailure == .status)
        #expect(keys.status().age == .seconds(60))
    }

    @Test("A key set that is gone from its address makes the next try ask the metadata, in the same attempt")
    func moved() async throws {
        describe(RemoteKeysFixture.jwksURL)
        fixture.publish()
        let keys = try fixture.makeDiscoveringKeys()
        try await keys.refreshNow()
        describe(otherJWKSURL)
        fixture.fetcher.script(RemoteKeysFixture.jwksURL, .status(404))
        fixture.fetcher.script(otherJWKSURL, .json(fixture.issuer.keySet))
        try await keys.refreshNow()
        #expect(keys.status().lastFailure == nil)
        #expect(fixture.fetcher.count(of: otherJWKSURL) == 1)
    }

    @Test("While the metadata cannot be had, the address that they gave before is asked")
    func metadataDown() async throws {
        describe(RemoteKeysFixture.jwksURL, fields: ["Cache-Control": "max-age=60"])
        fixture.publish()
        let keys = try fixture.makeDiscoveringKeys()
        try await keys.refreshNow()
        fixture.fetcher.script(RemoteKeysFixture.metadataURL, .failure(.connection))
        fixture.clock.advance(by: 61)
        try await keys.refreshNow()
        #expect(keys.status().lastFailure == nil)
        #expect(fixture.fetcher.count(of: RemoteKeysFixture.jwksURL) == 2)
    }

    @Test(
        "T15, J12: metadata that turn hostile are not followed, and the keys at hand serve on",
        arguments: [
            #"{"issuer":"https://evil.test","jwks_uri":"https://evil.test/jwks"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"http://issuer.test/jwks"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://169.254.169.254/latest"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://2852039166/latest"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://[::ffff:169.254.169.254]/"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://[64:ff9b::a9fe:a9fe]/"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://user@issuer.test/jwks"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"https://issuer.test\\@evil.test/jwks"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":"file:///etc/passwd"}"#,
            #"{"issuer":"https://issuer.test","jwks_uri":["https://issuer.test/jwks"]}"#,
            #"{"issuer":"https://issuer.test","issuer":"https://issuer.test","jwks_uri":"https://issuer.test/jwks"}"#,
            #"{"issuer":"https://issuer.test"}"#, "[]", "<html></html>",
        ]
    )
    func hostile(_ metadata: String) async throws {
        describe(RemoteKeysFixture.jwksURL, fields: ["Cache-Control": "max-age=60"])
        fixture.publish(fields: ["Cache-Control": "max-age=60"])
        let keys = try fixture.makeDiscoveringKeys()
        let guarding = try fixture.makeGuard(keys)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized")
        fixture.fetcher.script(RemoteKeysFixture.metadataURL, .json(metadata))
        fixture.clock.advance(by: 61)
        #expect(await guarding.outcome(fixture.issuer.token()) == "authorized by stale keys")
        await fixture.events.refreshes(count: 2)
        #expect(keys.status().lastFailure == .content)
        #expect(Set(fixture.fetcher.requests.map(\.url)).count == 3)
    }

    @Test("Metadata at an address of their own, with a query, are read there; an issuer with a query is none")
    func ownAddress() async throws {
        let address = "https://tenant.b2clogin.test/v2.0/.well-known/openid-configuration?p=b2c_1_sign_in"
        fixture.fetcher.script(address, .json(fixture.issuer.metadata(jwksURL: RemoteKeysFixture.jwksURL + "?p=x")))
        fixture.fetcher.script(RemoteKeysFixture.jwksURL + "?p=x", .json(fixture.issuer.keySet))
        let keys = try RemoteKeys(
            discovering: fixture.issuer.issuer,
            metadataURL: address,
            fetcher: fixture.fetcher,
            clock: fixture.clock.withoutPauses
        )
        try await keys.warmUp()
        #expect(keys.status().keyCount == 1)
        #expect(throws: ConfigurationError.self) {
            try RemoteKeys(discovering: "https://issuer.test?p=x", fetcher: fixture.fetcher)
        }
    }
}
