// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Turns the value of a policy document into its types, gathering every fault on the way.
package struct PolicyReader {
    package internal(set) var faults: [(path: String, message: String)] = []

    package init() {}

    /// The policy that a document describes; nil where that cannot be told.
    package mutating func document(_ value: JSONValue) -> PolicyDocument? {
        guard let object = value.objectValue else {
            return fault("", "the document must be an object with a member 'issuers'")
        }
        checkNames(object, "", ["issuers", "realm", "require", "gateway"])
        let realm = text(object, "realm", "") ?? "api"
        if !Challenge.isQuotable(realm) {
            fault("realm", "must be printable ASCII without quotes and backslashes")
        }
        let requirement = object["require"].map { self.requirement($0, "require") } ?? .authenticated
        guard let entries = object["issuers"]?.arrayValue, !entries.isEmpty else {
            return fault("issuers", "must be an array with at least one issuer")
        }
        var issuers: [PolicyDocument.Issuer] = []
        for (index, entry) in entries.enumerated() {
            if let issuer = issuer(entry, "issuers[\(index)]") { issuers.append(issuer) }
        }
        for (index, issuer) in issuers.enumerated()
        where issuers[..<index].contains(where: { $0.policy.issuer.isExactly(issuer.policy.issuer) }) {
            fault("issuers[\(index)].issuer", "the same issuer occurs twice")
        }
        for (index, issuer) in issuers.enumerated()
        where issuers[..<index].contains(where: { $0.alias.isExactly(issuer.alias) }) {
            fault("issuers[\(index)].alias", "names two issuers; reports could not tell them apart")
        }
        return PolicyDocument(issuers: issuers, realm: realm, requirement: requirement)
    }

    private static let issuerMembers = [
        "alias", "issuer", "preset", "audience", "algorithms", "tokenKind", "clockSkew", "requiredClaims", "maximumAge",
        "roles", "claims", "keys", "tenants", "allowLoopbackHTTP",
    ]

    private mutating func issuer(_ value: JSONValue, _ path: String) -> PolicyDocument.Issuer? {
        guard let object = value.objectValue else { return fault(path, "must be an object") }
        checkNames(object, path, Self.issuerMembers)
        let before = faults.count
        let preset = preset(object, path)
        let issuer = text(object, "issuer", path)
        if object["issuer"] == nil { fault("\(path).issuer", "is required: the 'iss' of the tokens, to the letter") }
        let audience = texts(object, "audience", path) ?? []
        if object["audience"] == nil {
            fault("\(path).audience", "is required: what tokens for this API carry in 'aud'")
        }
        let algorithms = algorithms(object, path) ?? preset.algorithms
        let accepted = tokenKind(object, path)
        let skew = integer(object, "clockSkew", path) ?? 30
        let required = texts(object, "requiredClaims", path) ?? []
        let maximumAge = integer(object, "maximumAge", path)
        let roles = rolePaths(object, path)
        let checks = claimChecks(object, path)
        let loopback = object["allowLoopbackHTTP"]?.boolValue ?? false
        if let value = object["allowLoopbackHTTP"], value.boolValue == nil {
            fault("\(path).allowLoopbackHTTP", "must be true or false")
        }
        let tenants = tenants(object, path)
        let keys = keys(object, path, algorithms)
        guard faults.count == before, let issuer, let keys else { return nil }
        do throws(ConfigurationError) {
            switch keys {
            case .jwksURL(let url), .metadataURL(let url): _ = try ServiceURL(url, allowsLoopbackHTTP: loopback)
            case .discovery:
                guard try !ServiceURL(issuer, allowsLoopbackHTTP: loopback).hasQuery else {
                    throw ConfigurationError("the issuer is a URL with a query: name its metadataURL")
                }
            case .file, .keySet, .pem, .secretFile: break
            }
        } catch {
            return fault(
                "\(path).keys",
                "\(error.message); allowLoopbackHTTP: true beside the issuer permits http to loopback"
            )
        }
        do throws(ConfigurationError) {
            let policy = try ValidationPolicy(
                issuer: issuer,
                audience: audience,
                algorithms: algorithms,
                preset: preset,
                acceptedTokens: accepted,
                clockSkew: skew,
                requiredClaims: required,
                maximumAge: maximumAge,
                rolePaths: roles,
                checks: checks,
                tenants: tenants
            )
            let source = object["keys"]?.objectValue
            return PolicyDocument.Issuer(
                alias: text(object, "alias", path) ?? issuer,
                keys: keys,
                policy: policy,
                allowsLoopbackHTTP: loopback,
                trustRootsFile: source.flatMap { text($0, "caFile", "\(path).keys") },
                bearerTokenFile: source.flatMap { text($0, "tokenFile", "\(path).keys") }
            )
        } catch {
            return fault(path, error.message)
        }
    }

    private mutating func preset(_ object: JSONObject, _ path: String) -> IssuerPreset {
        guard let name = text(object, "preset", path) else { return .standard }
        if let preset = IssuerPreset.all.first(where: { $0.name == name }) { return preset }
        let names = IssuerPreset.all.map(\.name).joined(separator: ", ")
        fault("\(path).preset", "is none of \(names)")
        return .standard
    }

    private mutating func algorithms(_ object: JSONObject, _ path: String) -> Set<SignatureAlgorithm>? {
        guard let names = texts(object, "algorithms", path) else { return nil }
        var algorithms: Set<SignatureAlgorithm> = []
        for (index, name) in names.enumerated() {
            if let algorithm = SignatureAlgorithm(rawValue: name) {
                algorithms.insert(algorithm)
            } else if name.lowercased() == "none" {
                fault("\(path).algorithms[\(index)]", "'none' would accept unsigned tokens; it does not exist here")
            } else {
                let known = SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                fault("\(path).algorithms[\(index)]", "is none of \(known)")
            }
        }
        return algorithms
    }

    private mutating func tokenKind(_ object: JSONObject, _ path: String) -> AcceptedTokens {
        guard let value = object["tokenKind"] else { return .accessToken }
        if let object = value.objectValue, object.count == 1, let types = object["types"]?.stringsValue, !types.isEmpty
        {
            return .types(types)
        }
        switch value.stringValue {
        case "accessToken": return .accessToken
        case "rfc9068": return .rfc9068
        default:
            fault("\(path).tokenKind", "must be 'accessToken', 'rfc9068' or {\"types\": [\"at+jwt\"]}")
            return .accessToken
        }
    }

    private mutating func rolePaths(_ object: JSONObject, _ path: String) -> [ClaimPath] {
        guard let value = object["roles"] else { return [] }
        let entries = value.arrayValue ?? [value]
        return entries.enumerated().compactMap { index, entry in
            if let name = entry.stringValue { return ClaimPath(names: [name]) }
            if let names = entry.stringsValue, !names.isEmpty { return ClaimPath(names: names) }
            return fault(
                "\(path).roles[\(index)]",
                "must be a claim name, or an array of names from the outside inwards"
            )
        }
    }

    private mutating func tenants(_ object: JSONObject, _ path: String) -> AcceptedTenants? {
        guard let value = object["tenants"] else { return nil }
        if value.stringValue == "any" { return .any }
        guard let tenants = value.stringsValue, !tenants.isEmpty else {
            return fault("\(path).tenants", "must be 'any' or an array of tenant identifiers")
        }
        return .listed(Set(tenants))
    }

    private mutating func claimChecks(_ object: JSONObject, _ path: String) -> [ClaimCheck] {
        guard let value = object["claims"] else { return [] }
        guard let members = value.objectValue?.members else {
            fault("\(path).claims", "must be an object of claims and the values they must have")
            return []
        }
        return members.map { member in
            ClaimCheck("\(member.name) has another value than required") { $0[member.name] == member.value }
        }
    }

    private mutating func keys(
        _ object: JSONObject,
        _ path: String,
        _ algorithms: Set<SignatureAlgorithm>
    ) -> PolicyDocument.KeyLocation? {
        let here = "\(path).keys"
        guard let value = object["keys"] else { return .discovery }
        if value.stringValue == "discovery" { return .discovery }
        guard let keys = value.objectValue else {
            return fault(
                here,
                "must be 'discovery' or an object with jwksURL, metadataURL, file, jwks, pem or secretFile"
            )
        }
        let names = ["jwksURL", "metadataURL", "file", "jwks", "pem", "secretFile"]
        checkNames(keys, here, names + ["kid", "caFile", "tokenFile"])
        let sources = keys.members.filter { names.contains($0.name) }
        guard sources.count == 1, let source = sources.first else {
            return fault(here, "must name exactly one of \(names.joined(separator: ", "))")
        }
        if keys["kid"] != nil, !["pem", "secretFile"].contains(source.name) {
            return fault("\(here).kid", "names a key of pem or secretFile; a key set names its own")
        }
        if keys["caFile"] != nil || keys["tokenFile"] != nil, !["jwksURL", "metadataURL"].contains(source.name) {
            return fault(here, "caFile and tokenFile are for keys that are fetched from jwksURL or metadataURL")
        }
        if source.name == "jwks" { return .keySet(source.value) }
        guard let target = source.value.stringValue, !target.isEmpty else {
            return fault("\(here).\(source.name)", "must be a text")
        }
        let keyID = text(keys, "kid", here)
        switch source.name {
        case "jwksURL": return .jwksURL(target)
        case "metadataURL": return .metadataURL(target)
        case "file": return .file(target)
        default:
            guard algorithms.count == 1, let algorithm = algorithms.first else {
                return fault("\(path).algorithms", "must name the one algorithm that this key is for")
            }
            return source.name == "pem"
                ? .pem(target, keyID: keyID, algorithm) : .secretFile(target, keyID: keyID, algorithm)
        }
    }

    /// What a route demands.
    package mutating func requirement(_ value: JSONValue, _ path: String) -> Requirement {
        guard let object = value.objectValue else {
            fault(path, "must be an object with scopes, anyScope, roles, anyRole, claims or freshKeys")
            return .authenticated
        }
        checkNames(object, path, ["scopes", "anyScope", "roles", "anyRole", "claims", "freshKeys"])
        var requirement = Requirement.authenticated
        if let scopes = texts(object, "scopes", path) { requirement = requirement.and(.scopes(scopes)) }
        if let scopes = texts(object, "anyScope", path) { requirement = requirement.and(.anyScope(scopes)) }
        if let roles = texts(object, "roles", path) { requirement = requirement.and(.roles(roles)) }
        if let roles = texts(object, "anyRole", path) { requirement = requirement.and(.anyRole(roles)) }
        if let age = integer(object, "freshKeys", path) {
            if age > 0 {
                requirement = requirement.and(.freshKeys(within: .seconds(age)))
            } else {
                fault("\(path).freshKeys", "must be at least 1 second")
            }
        }
        for name in ["scopes", "anyScope"] {
            for scope in object[name]?.stringsValue ?? [] where !Scopes.isScope(scope) {
                fault("\(path).\(name)", "holds a text that is no scope (RFC 6749: no space, quote or backslash)")
            }
        }
        if let claims = object["claims"], claims.objectValue == nil {
            fault("\(path).claims", "must be an object of claims and the values they must have")
        }
        for member in object["claims"]?.objectValue?.members ?? [] {
            requirement = requirement.and(.claim(ClaimPath(names: [member.name]), equals: member.value))
        }
        return requirement
    }
}
