// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
public import BearerGuard

extension LocalAuthorizationServer.Configuration {
    /// Reads a configuration in JSON.
    ///
    /// - Throws: ``PolicyDocument/Faults`` with everything that is wrong.
    public init(json text: [UInt8]) throws(PolicyDocument.Faults) {
        let value: JSONValue
        do {
            value = try JSONDocument(text, limits: .document).value
        } catch {
            throw PolicyDocument.Faults("the document is \(error.detail)")
        }
        let map = JSONSourceMap(text)
        try self.init(value) { map.line(of: $0) }
    }

    /// Reads a configuration that a parser of another format has turned into a value.
    ///
    /// - Parameters:
    ///   - value: the whole document.
    ///   - line: the line on which the member of a path stands.
    /// - Throws: ``PolicyDocument/Faults`` with everything that is wrong.
    public init(_ value: JSONValue, line: (String) -> Int?) throws(PolicyDocument.Faults) {
        var reader = PolicyReader()
        let configuration = reader.authorizationServer(value)
        guard reader.faults.isEmpty else { throw reader.allFaults(line) }
        do throws(ConfigurationError) {
            try configuration.check()
        } catch {
            throw PolicyDocument.Faults(error.message)
        }
        self = configuration
    }
}

extension PolicyReader {
    fileprivate mutating func authorizationServer(_ value: JSONValue) -> LocalAuthorizationServer.Configuration {
        var configuration = LocalAuthorizationServer.Configuration()
        guard let object = value.objectValue else {
            fault("", "the document must be an object with clients and users")
            return configuration
        }
        checkNames(
            object,
            "",
            [
                "clients", "users", "audiences", "scopes", "accessTokens", "algorithms", "tokenLifetime",
                "codeLifetime", "refreshTokenLifetime", "allowsRegistration", "keySetCacheControl",
            ]
        )
        configuration.clients = entries(object, "clients") { $0.client($1, $2) }
        configuration.users = entries(object, "users") { $0.user($1, $2) }
        if let audiences = texts(object, "audiences", "") { configuration.audiences = audiences }
        if let scopes = texts(object, "scopes", "") { configuration.scopes = scopes }
        if let name = text(object, "accessTokens", "") {
            let known = AccessTokenShape.allCases.map(\.rawValue).joined(separator: ", ")
            if let shape = AccessTokenShape(rawValue: name) {
                configuration.accessTokens = shape
            } else {
                fault("accessTokens", "must be one of \(known)")
            }
        }
        if let names = texts(object, "algorithms", "") {
            configuration.algorithms = names.compactMap { name in
                if let algorithm = SignatureAlgorithm(rawValue: name), !algorithm.isSymmetric { return algorithm }
                return fault("algorithms", "must be names of signatures, such as RS256")
            }
        }
        configuration.tokenLifetime = seconds(object, "tokenLifetime", configuration.tokenLifetime)
        configuration.codeLifetime = seconds(object, "codeLifetime", configuration.codeLifetime)
        configuration.refreshTokenLifetime = seconds(
            object,
            "refreshTokenLifetime",
            configuration.refreshTokenLifetime
        )
        configuration.allowsRegistration = flag(object, "allowsRegistration", "", configuration.allowsRegistration)
        if let value = text(object, "keySetCacheControl", "") { configuration.keySetCacheControl = value }
        return configuration
    }

    private mutating func entries<Entry>(
        _ object: JSONObject,
        _ name: String,
        _ read: (inout PolicyReader, JSONObject, String) -> Entry?
    ) -> [Entry] {
        guard let value = object[name] else { return [] }
        guard let values = value.arrayValue else { return fault(name, "must be an array") ?? [] }
        var entries: [Entry] = []
        for (index, value) in values.enumerated() {
            let path = "\(name)[\(index)]"
            guard let object = value.objectValue else {
                fault(path, "must be an object")
                continue
            }
            if let entry = read(&self, object, path) { entries.append(entry) }
        }
        return entries
    }

    private mutating func seconds(_ object: JSONObject, _ name: String, _ standard: Int64) -> Int64 {
        guard let number = integer(object, name, "") else { return standard }
        guard (1...Int(LocalAuthorizationServer.Configuration.maximumLifetime)).contains(number) else {
            return fault(name, "must be from 1 second to a year") ?? standard
        }
        return Int64(number)
    }

    private mutating func flag(_ object: JSONObject, _ name: String, _ path: String, _ standard: Bool) -> Bool {
        guard let value = object[name] else { return standard }
        return value.boolValue ?? fault(path.isEmpty ? name : "\(path).\(name)", "must be true or false") ?? standard
    }

    private mutating func client(_ object: JSONObject, _ path: String) -> LocalAuthorizationServer.Client? {
        checkNames(
            object,
            path,
            ["id", "name", "secret", "jwks", "redirectURIs", "postLogoutRedirectURIs", "grants", "scopes", "consent"]
        )
        guard let id = text(object, "id", path) else { return fault("\(path).id", "is required") }
        var authentication = LocalAuthorizationServer.Client.Authentication.none
        if let secret = text(object, "secret", path) { authentication = .secret(secret) }
        if let value = object["jwks"] {
            if object["secret"] != nil { fault("\(path).jwks", "excludes a secret") }
            do throws(ConfigurationError) {
                authentication = .privateKey(try JWKSet(value.text.utf8))
            } catch {
                fault("\(path).jwks", error.message)
            }
        }
        var client = LocalAuthorizationServer.Client(id, authentication: authentication)
        client.name = text(object, "name", path)
        client.redirectURIs = texts(object, "redirectURIs", path) ?? []
        client.postLogoutRedirectURIs = texts(object, "postLogoutRedirectURIs", path) ?? []
        client.scopes = texts(object, "scopes", path)
        client.needsConsent = flag(object, "consent", path, true)
        if let names = texts(object, "grants", path) {
            let types = names.map(LocalAuthorizationServer.Client.GrantType.init)
            client.grantTypes = Set(types.compactMap(\.self))
            if types.contains(nil) {
                let known = LocalAuthorizationServer.Client.GrantType.allCases.map(\.rawValue)
                fault("\(path).grants", "known are \(known.joined(separator: ", "))")
            }
        }
        return client
    }

    private mutating func user(_ object: JSONObject, _ path: String) -> LocalAuthorizationServer.User? {
        checkNames(object, path, ["username", "password", "subject", "name", "email", "roles"])
        let username = text(object, "username", path)
        let password = text(object, "password", path)
        if object["username"] == nil { fault("\(path).username", "is required") }
        if object["password"] == nil { fault("\(path).password", "is required") }
        guard let username, let password else { return nil }
        var user = LocalAuthorizationServer.User(username, password: password)
        if let subject = text(object, "subject", path) { user.subject = subject }
        user.name = text(object, "name", path)
        user.email = text(object, "email", path)
        user.roles = texts(object, "roles", path) ?? []
        return user
    }
}
#endif
