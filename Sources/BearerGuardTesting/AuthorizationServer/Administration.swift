// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import Synchronization

/// What tests in any language tell a local authorization server to do, as JSON to paths under `/admin`.
///
/// No page of another site can send it: JSON makes a browser ask first, and nothing here says yes.
struct Administration {
    private struct Refused: Error {
        let message: String
    }

    let engine: AuthorizationServerEngine
    /// Sets what is done with requests to an endpoint.
    let script: (LocalAuthorizationServer.Endpoint, [FaultServer.Answer]) -> Void

    static func isAbout(_ request: AuthorizationServerRequest) -> Bool { request.path.hasPrefix("/admin/") }

    func respond(to request: AuthorizationServerRequest) -> AuthorizationServerResponse {
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
            case "/admin/script": return try setScript(object)
            default: return .status(404)
            }
        } catch {
            return Self.refusal(error.message)
        }
    }

    private static func refusal(_ message: String) -> AuthorizationServerResponse {
        .json(["error": "invalid_request", "error_description": .string(message)], status: 400)
    }

    private func rotate(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        guard
            let algorithm = object["alg"].map({ $0.stringValue.flatMap(SignatureAlgorithm.init) })
                ?? engine.configuration.algorithms.first, engine.configuration.algorithms.contains(algorithm)
        else { throw Refused(message: "alg must be one that the server signs with") }
        guard let key = try? engine.keys.rotate(algorithm) else { throw Refused(message: "OpenSSL makes no such key") }
        return .json(["kid": .string(key.keyID ?? "")])
    }

    private func withdraw(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        guard let keyID = object["kid"]?.stringValue else { throw Refused(message: "kid is missing") }
        engine.keys.withdraw(keyID: keyID)
        return .json([:])
    }

    private func setCacheControl(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        guard let value = object["value"]?.stringValue, value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            throw Refused(message: "value must be the text of the field")
        }
        engine.state.withLock { $0.keySetCacheControl = value }
        return .json([:])
    }

    /// Any token under the server's keys: of these scopes, with these claims and header members, or with a flaw.
    private func mint(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        let scopes = object["scopes"].map(\.stringsValue) ?? []
        guard let scopes else { throw Refused(message: "scopes must be an array of texts") }
        if let name = object["flaw"] {
            guard let flaw = name.stringValue.flatMap(TestIssuer.Flaw.init) else {
                let known = TestIssuer.Flaw.allCases.map(\.rawValue).joined(separator: ", ")
                throw Refused(message: "flaw must be one of \(known)")
            }
            return .json(["token": .string(engine.keys.token(with: flaw, scopes: scopes))])
        }
        let token = engine.keys.token(
            scopes: scopes,
            lifetime: object["lifetime"]?.integerValue ?? engine.configuration.tokenLifetime,
            changes: Self.changes(object["claims"]),
            header: Self.changes(object["header"])
        )
        return .json(["token": .string(token)])
    }

    /// Members to set, or with null to leave out.
    private static func changes(_ value: JSONValue?) -> [String: JSONValue?] {
        var changes: [String: JSONValue?] = [:]
        for member in value?.objectValue?.members ?? [] {
            changes[member.name] = .some(member.value == .null ? nil : member.value)
        }
        return changes
    }

    private func setScript(_ object: JSONObject) throws(Refused) -> AuthorizationServerResponse {
        guard let name = object["endpoint"]?.stringValue,
            let endpoint = LocalAuthorizationServer.Endpoint.allCases.first(where: { $0.rawValue == name })
        else {
            let known = LocalAuthorizationServer.Endpoint.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refused(message: "endpoint must be one of \(known)")
        }
        guard let entries = object["answers"]?.arrayValue else {
            throw Refused(message: "answers must be an array; an empty one ends the script")
        }
        var answers: [FaultServer.Answer] = []
        for entry in entries { answers.append(try answer(entry.objectValue, at: endpoint)) }
        script(endpoint, answers)
        return .json([:])
    }

    private func answer(
        _ object: JSONObject?,
        at endpoint: LocalAuthorizationServer.Endpoint
    ) throws(Refused) -> FaultServer.Answer {
        func number(_ name: String, _ range: ClosedRange<Int64>) throws(Refused) -> Int64 {
            guard let number = object?[name]?.integerValue, range.contains(number) else {
                throw Refused(message: "\(name) must be from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
        switch object?["do"]?.stringValue {
        case "status":
            let fields = object?["fields"]?.objectValue?.members.compactMap { member in
                member.value.stringValue.map { (member.name, $0) }
            }
            return .status(
                Int(try number("status", 200...599)),
                fields: Dictionary(fields ?? []) { $1 }
            )
        case "redirect":
            guard let location = object?["location"]?.stringValue else { throw Refused(message: "location is missing") }
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
