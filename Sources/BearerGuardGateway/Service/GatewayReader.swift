// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// The member `gateway` as it is read.
struct GatewayMember {
    var listeners: [GatewayDocument.Listener] = [.address(host: "127.0.0.1", port: 9191)]
    var tls: GatewayDocument.TLSFiles?
    var shadow: String?
    var trustedPeers = AddressRange.loopback
    var rules: [AccessRule] = []
    var identity: [IdentityField] = []
    var internalToken: InternalTokenSettings?
    var limits = GatewayDocument.Limits()
    var logLevel = GatewayLog.Level.info
    var site = GatewayDocument.Site()
}

extension PolicyReader {
    mutating func gateway(_ value: JSONValue?) -> GatewayMember {
        var gateway = GatewayMember()
        guard let object = value?.objectValue else {
            fault("gateway", "must be an object with rules; see bearerguard serve --help")
            return gateway
        }
        checkNames(
            object,
            "gateway",
            [
                "listen", "tls", "trustedPeers", "rules", "identity", "internalToken", "limits", "logLevel", "shadow",
                "site",
            ]
        )
        if let texts = texts(object, "listen", "gateway") {
            gateway.listeners = []
            for (index, text) in texts.enumerated() {
                guard let listener = GatewayDocument.Listener(text) else {
                    fault("gateway.listen[\(index)]", "must be host:port, grpc:host:port or unix:/path")
                    continue
                }
                gateway.listeners.append(listener)
            }
        }
        if let texts = texts(object, "trustedPeers", "gateway") {
            gateway.trustedPeers = []
            for (index, text) in texts.enumerated() {
                guard let range = AddressRange(text) else {
                    fault("gateway.trustedPeers[\(index)]", "must be an IP address or a range such as 10.0.0.0/8")
                    continue
                }
                gateway.trustedPeers.append(range)
            }
        }
        gateway.tls = tls(object["tls"])
        gateway.shadow = text(object, "shadow", "gateway")
        gateway.rules = rules(object["rules"])
        gateway.identity = identity(object["identity"])
        gateway.internalToken = internalToken(object["internalToken"])
        if let header = gateway.internalToken?.header.lowercased(),
            gateway.identity.contains(where: { $0.name.lowercased() == header })
        {
            fault("gateway.internalToken.header", "is one of the identity headers")
        }
        gateway.limits = limits(object["limits"])
        if let name = text(object, "logLevel", "gateway") {
            if let level = GatewayLog.Level(rawValue: name) {
                gateway.logLevel = level
            } else {
                fault("gateway.logLevel", "must be debug, info or warning")
            }
        }
        gateway.site = site(object["site"])
        return gateway
    }

    private mutating func tls(_ value: JSONValue?) -> GatewayDocument.TLSFiles? {
        guard let value else { return nil }
        guard let object = value.objectValue else { return fault("gateway.tls", "must be an object of file names") }
        checkNames(object, "gateway.tls", ["certificate", "key", "clientAuthorities"])
        for name in ["certificate", "key"] where object[name] == nil { fault("gateway.tls.\(name)", "is required") }
        guard let certificate = text(object, "certificate", "gateway.tls"), let key = text(object, "key", "gateway.tls")
        else { return nil }
        return GatewayDocument.TLSFiles(
            certificate: certificate,
            key: key,
            clientAuthorities: text(object, "clientAuthorities", "gateway.tls")
        )
    }

    private mutating func rules(_ value: JSONValue?) -> [AccessRule] {
        guard let entries = value?.arrayValue else {
            fault("gateway.rules", "must be an array of rules; the first one that is about a request holds")
            return []
        }
        return entries.enumerated().compactMap { rule($1, "gateway.rules[\($0)]") }
    }

    private mutating func rule(_ value: JSONValue, _ path: String) -> AccessRule? {
        guard let object = value.objectValue else { return fault(path, "must be an object with a path") }
        checkNames(object, path, ["host", "path", "methods", "access", "require"])
        let before = faults.count
        var pattern: PathPattern?
        if let written = text(object, "path", path) {
            pattern = PathPattern(written)
            if pattern == nil {
                fault("\(path).path", "must be a path such as /orders/*/items or /orders/**, as clients send it")
            }
        } else if object["path"] == nil {
            fault("\(path).path", "is required")
        }
        var host: HostPattern?
        if let written = text(object, "host", path) {
            host = HostPattern(written)
            if host == nil { fault("\(path).host", "must be a host name without a port, or *.example.com") }
        }
        let methods = texts(object, "methods", path)
        for method in methods ?? [] where !method.utf8.allSatisfy({ (0x41...0x5A).contains($0) || $0 == 0x2D }) {
            fault("\(path).methods", "must be methods in capitals, such as GET")
        }
        let requirement = object["require"].map { self.requirement($0, "\(path).require") }
        let access: AccessRule.Access
        switch text(object, "access", path) ?? "required" {
        case "required": access = .required(requirement ?? .authenticated)
        case "optional": access = .optional(requirement ?? .authenticated)
        case "public", "denied":
            let isOpen = object["access"]?.stringValue == "public"
            access = isOpen ? .open : .denied
            if requirement != nil { fault("\(path).require", "means nothing where no token is looked at") }
        default: return fault("\(path).access", "must be public, optional, required or denied")
        }
        guard faults.count == before, let pattern else { return nil }
        return AccessRule(place: path, host: host, path: pattern, methods: methods.map(Set.init), access: access)
    }

    private mutating func identity(_ value: JSONValue?) -> [IdentityField] {
        guard let value else { return [] }
        guard let object = value.objectValue else {
            return fault("gateway.identity", "must be an object of header names and claims") ?? []
        }
        var seen: Set<String> = []
        return object.members.compactMap { member in
            let path = "gateway.identity.\(member.name.escapedForLogs)"
            if let flaw = Self.flaw(ofHeader: member.name) { return fault(path, flaw) }
            // To many servers X-User and x_user are one header.
            guard seen.insert(member.name.lowercased()).inserted else { return fault(path, "occurs twice") }
            if let name = member.value.stringValue, !name.isEmpty {
                return IdentityField(name: member.name, claim: ClaimPath(names: [name]))
            }
            guard let names = member.value.stringsValue, !names.isEmpty else {
                return fault(path, "must be a claim name, or an array of names from the outside inwards")
            }
            return IdentityField(name: member.name, claim: ClaimPath(names: names))
        }
    }

    /// Why a name cannot be that of a header for upstreams; nil where it can.
    static func flaw(ofHeader name: String) -> String? {
        guard !name.isEmpty, name.utf8.allSatisfy(isFieldCharacter) else {
            return "is no header name; use letters, digits and '-'"
        }
        return reservedFields.contains(name.lowercased()) ? "is a header that means something else" : nil
    }

    private static let reservedFields = [
        "authorization", "cache-control", "connection", "content-length", "content-type", "cookie", "date", "host",
        "keep-alive",
        "retry-after", "te", "trailer", "transfer-encoding", "upgrade", "www-authenticate",
    ]

    private static func isFieldCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func limits(_ value: JSONValue?) -> GatewayDocument.Limits {
        var limits = GatewayDocument.Limits()
        guard let value else { return limits }
        guard let object = value.objectValue else {
            fault("gateway.limits", "must be an object")
            return limits
        }
        let path = "gateway.limits"
        checkNames(
            object,
            path,
            ["connections", "concurrentRequests", "idleSeconds", "drainSeconds", "threads"]
        )
        func bounded(_ name: String, _ range: ClosedRange<Int>, _ standard: Int) -> Int {
            guard object[name] != nil else { return standard }
            guard let number = object[name]?.integerValue.flatMap(Int.init(exactly:)), range.contains(number) else {
                fault("\(path).\(name)", "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
                return standard
            }
            return number
        }
        limits.connections = bounded("connections", 1...1_000_000, limits.connections)
        limits.concurrentRequests = bounded("concurrentRequests", 1...1_000_000, limits.concurrentRequests)
        limits.idleSeconds = bounded("idleSeconds", 1...86_400, limits.idleSeconds)
        limits.drainSeconds = bounded("drainSeconds", 0...3600, limits.drainSeconds)
        if object["threads"] != nil { limits.threads = bounded("threads", 1...1024, 1) }
        return limits
    }

    private mutating func site(_ value: JSONValue?) -> GatewayDocument.Site {
        var site = GatewayDocument.Site()
        guard let value else { return site }
        guard let object = value.objectValue else {
            fault("gateway.site", "must be an object with listen and upstream")
            return site
        }
        checkNames(object, "gateway.site", ["listen", "upstream"])
        for name in ["listen", "upstream"] {
            guard let text = text(object, name, "gateway.site") else { continue }
            guard case .address = GatewayDocument.Listener(text) else {
                fault("gateway.site.\(name)", "must be host:port")
                continue
            }
            if name == "listen" { site.listen = text } else { site.upstream = text }
        }
        return site
    }
}
#endif
