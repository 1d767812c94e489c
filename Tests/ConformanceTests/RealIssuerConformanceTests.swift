// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation
import Testing

/// A token of a server that nobody here wrote, the policy it is judged by, and what must come of it.
struct RealToken: CustomTestStringConvertible, Sendable {
    let folder: String
    let path: [String]
    var keys = "jwks.json"
    var now: Int64 = 1_795_479_000
    var audience = "https://api.example.com/orders"
    var preset = "standard"
    var accepts = "accessToken"
    /// Nil where it must pass.
    let reason: String?

    var testDescription: String {
        "\(folder) \(path.joined(separator: ".")) by \(preset) \(accepts): \(reason ?? "valid")"
    }

    static let glewlwyd = "glewlwyd"
    static let lemonldap = "lemonldap-ng"

    /// Judged for the API they were requested for.
    static let byDefaultPolicy: [RealToken] = [
        RealToken(folder: glewlwyd, path: ["code_resource", "access_token"], reason: nil),
        RealToken(folder: glewlwyd, path: ["code", "access_token"], audience: "openid orders", reason: nil),
        RealToken(folder: glewlwyd, path: ["code", "access_token"], reason: "wrong_audience"),
        RealToken(folder: glewlwyd, path: ["client_credentials", "access_token"], audience: "orders", reason: nil),
        RealToken(
            folder: glewlwyd,
            path: ["code_resource_oidc-ec", "access_token"],
            keys: "jwks-oidc-ec.json",
            now: 1_795_479_100,
            reason: nil
        ),
        RealToken(
            folder: glewlwyd,
            path: ["code_resource_oidc-ed", "access_token"],
            keys: "jwks-oidc-ed.json",
            now: 1_795_479_100,
            reason: nil
        ),
        RealToken(
            folder: glewlwyd,
            path: ["code_resource_dpop", "access_token"],
            now: 1_795_479_100,
            reason: "dpop_missing"
        ),
        RealToken(folder: glewlwyd, path: ["code", "id_token"], audience: "web1", reason: "wrong_type"),
        RealToken(folder: glewlwyd, path: ["code_resource", "id_token"], audience: "web1", reason: "wrong_type"),
        RealToken(
            folder: glewlwyd,
            path: ["code_resource_oidc-ec", "id_token"],
            keys: "jwks-oidc-ec.json",
            now: 1_795_479_100,
            audience: "web1",
            reason: "wrong_type"
        ),
        RealToken(
            folder: glewlwyd,
            path: ["code_resource_oidc-ed", "id_token"],
            keys: "jwks-oidc-ed.json",
            now: 1_795_479_100,
            audience: "web1",
            reason: "wrong_type"
        ),
        RealToken(
            folder: glewlwyd,
            path: ["code_resource_dpop", "id_token"],
            now: 1_795_479_100,
            audience: "web1",
            reason: "wrong_type"
        ),
        RealToken(folder: glewlwyd, path: ["code", "refresh_token"], reason: "malformed"),
        RealToken(folder: lemonldap, path: ["client_credentials", "access_token"], now: 1_795_486_100, reason: nil),
        RealToken(folder: lemonldap, path: ["authorization_code", "access_token"], now: 1_795_486_100, reason: nil),
        RealToken(
            folder: lemonldap,
            path: ["authorization_code", "id_token"],
            now: 1_795_486_100,
            reason: "wrong_type"
        ),
        RealToken(
            folder: "canaille",
            path: ["authorization_code", "access_token"],
            now: 1_795_479_200,
            reason: "wrong_audience"
        ),
        RealToken(
            folder: "canaille",
            path: ["authorization_code", "id_token"],
            now: 1_795_479_200,
            reason: "wrong_type"
        ),
        RealToken(folder: "canaille", path: ["client_credentials", "access_token"], reason: "malformed"),
        RealToken(
            folder: "oidc-provider-mock",
            path: ["authorization_code", "id_token"],
            now: 1_795_479_430,
            audience: "web1",
            reason: "wrong_type"
        ),
        RealToken(folder: "oidc-provider-mock", path: ["authorization_code", "access_token"], reason: "malformed"),
        RealToken(folder: "moto-cognito", path: ["access_token"], now: 1_795_479_430, reason: "missing_claim"),
        RealToken(
            folder: "moto-cognito",
            path: ["id_token"],
            now: 1_795_479_430,
            audience: "0ad9e0f94c83400d9d0b93fb96",
            reason: "wrong_type"
        ),
    ]

    /// Judged by what their server does differently.
    static let byPreset: [RealToken] = [
        RealToken(
            folder: "moto-cognito",
            path: ["access_token"],
            now: 1_795_479_430,
            audience: "0ad9e0f94c83400d9d0b93fb96",
            preset: "cognito",
            reason: nil
        ),
        RealToken(
            folder: "moto-cognito",
            path: ["access_token"],
            now: 1_795_479_430,
            audience: "another-client",
            preset: "cognito",
            reason: "wrong_audience"
        ),
        RealToken(
            folder: "moto-cognito",
            path: ["id_token"],
            now: 1_795_479_430,
            audience: "0ad9e0f94c83400d9d0b93fb96",
            preset: "cognito",
            reason: "wrong_type"
        ),
    ]

    /// Judged by RFC 9068 to the letter, which only Glewlwyd's tokens are.
    static let byRFC9068: [RealToken] = byDefaultPolicy.map { token in
        let isForeign = token.folder != glewlwyd && token.reason != "malformed"
        return RealToken(
            folder: token.folder,
            path: token.path,
            keys: token.keys,
            now: token.now,
            audience: token.audience,
            preset: token.preset,
            accepts: "rfc9068",
            reason: isForeign ? "wrong_type" : token.reason
        )
    }

    static let all = byDefaultPolicy + byPreset + byRFC9068

    func text() throws -> String {
        guard let folder = VectorFolder.url?.appendingPathComponent("real-issuers/\(folder)") else { return "" }
        var value = try JSONSerialization.jsonObject(
            with: Data(contentsOf: folder.appendingPathComponent("tokens.json"))
        )
        for name in path { value = (value as? [String: Any])?[name] ?? "" }
        return value as? String ?? ""
    }

    func requestGuard(for token: String) throws -> RequestGuard {
        guard let folder = VectorFolder.url?.appendingPathComponent("real-issuers/\(folder)") else {
            throw CocoaError(.fileNoSuchFile)
        }
        let text = Array(try Data(contentsOf: folder.appendingPathComponent(keys)))
        let preset = IssuerPreset.all.first { $0.name == self.preset } ?? .standard
        // The issuer as the token states it: what the operator of that server would have configured.
        let issuer = (try? UnverifiedToken(Array(token.utf8)))?.unverifiedIssuer?.stringValue ?? "https://opaque.test"
        let policy = try ValidationPolicy(
            issuer: issuer,
            audience: [audience],
            algorithms: .recommended,
            preset: preset,
            acceptedTokens: accepts == "rfc9068" ? .rfc9068 : .accessToken
        )
        let trusted = try TrustedIssuer(policy: policy, keys: try StaticKeys(JWKSet(text)))
        return try RequestGuard(issuers: [trusted], clock: .fixed(UnixTime(seconds: now)))
    }
}

@Suite("Conformance: tokens of real servers", .enabled(if: VectorFolder.url != nil, "no vectors found"))
struct RealIssuerConformanceTests {
    @Test("A real server's token gets the verdict that its description states", arguments: RealToken.all)
    func verdict(_ token: RealToken) async throws {
        let text = try token.text()
        #expect(!text.isEmpty)
        let decision = try await token.requestGuard(for: text)
            .authorize(RequestCredentials(authorization: "Bearer \(text)"))
        #expect(decision.refusal?.code.text == token.reason)
        #expect((decision.accessToken == nil) == (token.reason != nil))
    }

    @Test(
        "A good token is refused after a change of any one character",
        arguments: RealToken.all.filter { $0.reason == nil }
    )
    func everyChange(_ token: RealToken) async throws {
        let text = Array(try token.text().utf8)
        let requestGuard = try token.requestGuard(for: String(decoding: text, as: UTF8.self))
        var accepted = 0
        for position in text.indices {
            var changed = text
            changed[position] = text[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            let credentials = RequestCredentials(authorization: "Bearer \(String(decoding: changed, as: UTF8.self))")
            if case .authorized = await requestGuard.authorize(credentials) { accepted += 1 }
        }
        #expect(accepted == 0)
        #expect(text.count > 400)
    }
}
