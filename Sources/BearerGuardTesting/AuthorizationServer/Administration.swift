// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

/// What tests in any language tell a local authorization server to do, as JSON to paths under `/admin`.
///
/// No page of another site can send it: JSON makes a browser ask first, and nothing here says yes.
package struct Administration {
    private struct Refused: Error {
        let message: String
    }

    let engine: AuthorizationServerEngine
    /// Sets what is done with requests to an endpoint; nil in it stands for the server's own answer.
    let script: (LocalAuthorizationServer.Endpoint, [FaultServer.Answer?]) -> Void
    /// How often an endpoint was asked.
    let count: (LocalAuthorizationServer.Endpoint) -> Int

    static func isAbout(_ request: AuthorizationServerRequest) -> Bool { request.path.hasPrefix("/admin/") }

    package init(
        engine: AuthorizationServerEngine,
        script: @escaping (LocalAuthorizationServer.Endpoint, [FaultServer.Answer?]) -> Void,
        count: @escaping (LocalAuthorizationServer.Endpoint) -> Int
    ) {
        self.engine = engine
        self.script = script
        self.count = count
    }

    package func respond(to request: AuthorizationServerRequest) -> AuthorizationServerResponse {
        guard request.method == "POST" else { return .status(405, fields: [("Allow", "POST")]) }
        guard request.isOfType("application/json"),
            let value = try? JSONDocument(request.body, limits: .document).value, let object = value.objectValue
        else { return Self.refusal("send an object in JSON, as application/json") }
        do throws(Refused) {
            switch request.path {
            case "/admin/rotate-key": return try rotate(object)
            case "/admin/withdraw-key": return try withdraw(object)
            case "/admin/cache-control": return try setCacheControl(object)
            case "/admin/token": return try mint(object)
            case "/admin/sign-in": return try signIn(object)
            case "/admin/script": return try setScript(object)
            case "/admin/count":
                try check(object, ["endpoint"])
                return .json(["count": .integer(Int64(count(try endpoint(object))))])
            default:
                throw Refused(
                    message:
                        "known under /admin are rotate-key, withdraw-key, cache-control, token, sign-in, script, count"
                )
            }
        } catch {
            return Self.refusal(error.message)
        }
    }

    private static func refusal(_ message: String) -> AuthorizationServerResponse {
        .json(["error": "invalid_request", "error_description": .string(message)], status: 400)
    }

    /// A misspelt member would do something else than was meant.
    private func check(_ object: JSONObject, _ known: [String]) throws(Refused) {
        for member in object.members where !known.containsExactly(member.name) {
            throw Refused(
                message: "\(member.name.escapedForLogs) is not known here; known are \(known.joined(separator: ", "))"
            )
        }
    }

    /// A text, or nil where there is none.
    private func text(_ object: JSONObject, _ name: String) throws(Refused) -> String? {
        guard let value = object[name] else { return nil }
        guard let text = value.stringValue else { throw Refused(message: "\(name) must be a text") }
        return text
    }

    private func required(_ object: JSONObject, _ name: String) throws(Refused) -> String {
        guard let text = try text(object, name) else { throw Refused(message: "\(name) is missing") }
        return text
    }

    private func scopes(_ object: JSONObject) throws(Refused) -> [String] {
        guard let value = object["scopes"] else { return [] }
        guard let scopes = value.stringsValue else { throw Refused(message: "scopes must be an array of texts") }
        return scopes
    }

    private func algorithm(_ object: JSONObject) throws(Refused) -> SignatureAlgorithm? {
        guard let name = try text(object, "alg") else { return nil }
        let known = engine.configuration.algorithms
        guard let algorithm = SignatureAlgorithm(rawValue: name), known.contains(algorithm) else {
            throw Refused(message: "alg must be one of \(known.map(\.rawValue).joined(separator: ", "))")
        }
        return algorithm
    }

    private func rotate(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        try check(object, ["alg"])
        guard let algorithm = try algorithm(object) ?? engine.configuration.algorithms.first,
            let key = try? engine.keys.rotate(algorithm)
        else { throw Refused(message: "OpenSSL makes no such key") }
        return .json(["kid": .string(key.keyID ?? "")])
    }

    private func withdraw(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        try check(object, ["kid"])
        let keyID = try required(object, "kid")
        let known = engine.configuration.algorithms.flatMap { engine.keys.keys($0) }.compactMap(\.keyID)
        guard known.containsExactly(keyID) else {
            throw Refused(message: "kid must be one of \(known.joined(separator: ", "))")
        }
        engine.keys.withdraw(keyID: keyID)
        return .json([:])
    }

    private func setCacheControl(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        try check(object, ["value"])
        let value = try required(object, "value")
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw Refused(message: "value must be printable ASCII")
        }
        engine.state.withLock { $0.keySetCacheControl = value }
        return .json([:])
    }

    /// Any token under the server's keys and in its shape: of these scopes, with these claims and header members, or with
    /// a flaw.
    private func mint(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        try check(object, ["scopes", "user", "client", "lifetime", "claims", "header", "alg", "flaw"])
        var minting = AuthorizationServerEngine.Minting(lifetime: engine.configuration.tokenLifetime)
        minting.scopes = try scopes(object)
        minting.clientID = try text(object, "client") ?? engine.configuration.clients.first?.clientID ?? "client-1"
        if object["user"] == nil {
            minting.user = engine.configuration.users.first ?? .init("1", password: "")
        } else if object["user"] != .null {
            minting.user = try user(try required(object, "user"))
        }
        if let value = object["lifetime"] {
            let year = LocalAuthorizationServer.Configuration.maximumLifetime
            guard let seconds = value.integerValue, (-year...year).contains(seconds) else {
                throw Refused(message: "lifetime must be seconds, at most a year; negative for a token that has ended")
            }
            minting.lifetime = seconds
        }
        minting.claims = try changes(object, "claims")
        minting.header = try changes(object, "header")
        minting.algorithm = try algorithm(object)
        if let name = try text(object, "flaw") {
            guard let flaw = TestIssuer.Flaw(rawValue: name) else {
                let known = TestIssuer.Flaw.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refused(message: "flaw must be one of \(known)")
            }
            minting.flaw = flaw
        }
        let token = engine.mint(minting)
        guard !token.isEmpty else { throw Refused(message: "every key was withdrawn: rotate to get a new one") }
        return .json(["token": .string(token)])
    }

    private func user(_ name: String) throws(Refused) -> LocalAuthorizationServer.User {
        guard let user = engine.state.withLock({ $0.users[name] }) else {
            throw Refused(message: "no user of this name; null is for a token of the client alone")
        }
        return user
    }

    /// Members to set, or with null to leave out.
    private func changes(_ object: JSONObject, _ name: String) throws(Refused) -> [String: JSONValue?] {
        guard let value = object[name] else { return [:] }
        guard let members = value.objectValue?.members else { throw Refused(message: "\(name) must be an object") }
        var changes: [String: JSONValue?] = [:]
        for member in members { changes[member.name] = .some(member.value == .null ? nil : member.value) }
        return changes
    }

    /// The tokens that a client gets when a user signs in, without the pages.
    private func signIn(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        try check(object, ["user", "client", "scopes"])
        let (username, clientID) = (try required(object, "user"), try required(object, "client"))
        let scopes = try scopes(object)
        do throws(ConfigurationError) {
            let tokens = try engine.signIn(username, to: clientID, scopes: scopes)
            let members = [
                ("access_token", tokens.accessToken), ("id_token", tokens.idToken),
                ("refresh_token", tokens.refreshToken),
            ]
            return .json(.object(members.compactMap { name, value in value.map { (name, .string($0)) } }))
        } catch {
            throw Refused(message: error.message)
        }
    }

    private func endpoint(_ object: JSONObject) throws(Refused) -> LocalAuthorizationServer.Endpoint {
        let name = try required(object, "endpoint")
        guard let endpoint = LocalAuthorizationServer.Endpoint(rawValue: name) else {
            let known = LocalAuthorizationServer.Endpoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refused(message: "endpoint must be one of \(known)")
        }
        return endpoint
    }

    private func setScript(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        try check(object, ["endpoint", "answers"])
        let endpoint = try endpoint(object)
        guard let entries = object["answers"]?.arrayValue else {
            throw Refused(message: "answers must be an array; an empty one ends the script")
        }
        var answers: [FaultServer.Answer?] = []
        for entry in entries {
            guard let members = entry.objectValue else { throw Refused(message: "an answer must be an object") }
            try check(members, ["do", "status", "fields", "location", "bytes", "milliseconds", "by"])
            answers.append(members["do"] == "serve" ? nil : try answer(members, at: endpoint))
        }
        script(endpoint, answers)
        return .json([:])
    }

    private func answer(
        _ object: JSONObject,
        at endpoint: LocalAuthorizationServer.Endpoint
    ) throws(Refused) -> FaultServer.Answer {
        func number(_ name: String, _ range: ClosedRange<Int64>) throws(Refused) -> Int64 {
            guard let number = object[name]?.integerValue, range.contains(number) else {
                throw Refused(message: "\(name) must be from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        switch object["do"]?.stringValue {
        case "status":
            let fields = object["fields"]?.objectValue?.members.compactMap { member in
                member.value.stringValue.map { (member.name, $0) }
            }
            return .status(
                Int(try number("status", 200...599)),
                fields: Dictionary(fields ?? []) { $1 }
            )
        case "redirect":
            guard let location = object["location"]?.stringValue else { throw Refused(message: "location is missing") }
            return .redirect(to: location)
        case "captive-portal": return .captivePortal
        case "reset": return .reset
        case "hang": return .hang
        case "oversize": return .oversize(Int(try number("bytes", 1...64 * 1024 * 1024)))
        case "drip": return .drip(try own(endpoint), milliseconds: Int32(try number("milliseconds", 1...60_000)))
        case "truncate": return .truncate(try own(endpoint))
        case "misstate": return .misstate(try own(endpoint), by: Int(try number("by", -4096...4096)))
        default:
            throw Refused(
                message:
                    "do must be status, redirect, captive-portal, reset, hang, oversize, drip, truncate or misstate"
            )
        }
    }

    /// What an endpoint answers to GET at this moment.
    private func own(_ endpoint: LocalAuthorizationServer.Endpoint) throws(Refused) -> FetchResponse {
        guard endpoint.methods == ["GET"] else {
            throw Refused(message: "drip, truncate and misstate are for key sets and metadata")
        }
        let request = AuthorizationServerRequest("GET", engine.path(of: endpoint), fields: [("Host", "localhost")])
        let response = engine.respond(to: request)
        return FetchResponse(
            status: response.status,
            fields: Dictionary(response.fields.map { ($0.name, $0.value) }) { $1 },
            body: response.body
        )
    }
}
#endif
