// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

/// The configuration of the auth service: a policy document with a member `gateway`.
package struct GatewayDocument: Sendable {
    /// Where gateways reach the service.
    package enum Listener: Sendable, Hashable, CustomStringConvertible {
        case address(host: String, port: Int)
        /// For Envoy, which asks by gRPC: HTTP/2 alone.
        case grpc(host: String, port: Int)
        case unixSocket(String)

        package var description: String {
            switch self {
            case .address(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            case .grpc(let host, let port): "grpc:\(Self.address(host: host, port: port))"
            case .unixSocket(let path): "unix:\(path)"
            }
        }

        /// Reads `host:port`, `grpc:host:port` or `unix:/path`.
        init?(_ text: String) {
            if text.hasPrefix("unix:/") {
                self = .unixSocket(String(text.dropFirst(5)))
                return
            }
            if text.hasPrefix("grpc:") {
                guard case .address(let host, let port) = Self(String(text.dropFirst(5))) else { return nil }
                self = .grpc(host: host, port: port)
                return
            }
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65535).contains(port)
            else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard !host.isEmpty else { return nil }
            self = .address(host: String(host), port: port)
        }
    }

    /// Certificate and key of a listener, and who may connect to it.
    package struct TLSFiles: Sendable, Hashable {
        /// PEM, the listener's own certificate first.
        package let certificate: String
        /// PEM.
        package let key: String
        /// PEM of those who sign the certificates that gateways must show; nil where they need none.
        package let clientAuthorities: String?
    }

    /// What one service takes on at a time.
    package struct Limits: Sendable, Hashable {
        /// Connections; more are refused by closing.
        package var connections = 10_000
        /// Questions at the same time; more are answered 503.
        package var concurrentRequests = 4096
        /// Seconds that a connection may be idle.
        package var idleSeconds = 75
        /// Seconds that a shutdown waits for questions at hand.
        package var drainSeconds = 10
        /// Threads that read questions and answer those that need no waiting; nil for half as many as there are cores:
        /// the gateway needs the others, and each waking of a thread costs as much as an answer.
        package var threads: Int?
    }

    /// Whom to trust.
    package let policy: PolicyDocument
    package let listeners: [Listener]
    /// Where listeners speak TLS; nil for plain HTTP.
    package let tls: TLSFiles?
    /// Who may ask.
    package let trustedPeers: [AddressRange]
    package let rules: AccessRules
    package let identity: [IdentityField]
    /// The token of the gateway's own that upstreams get; nil for none.
    package let internalToken: InternalTokenSettings?
    /// The headers that upstreams get, and that clients must not be able to send.
    package var identityNames: [String] { identity.map(\.name) + (internalToken.map { [$0.header] } ?? []) }
    package let limits: Limits
    package let logLevel: GatewayLog.Level
    /// The file of another configuration, whose decisions are counted where they differ, and never answered.
    package let shadow: String?
    /// Where the gateway listens and what it protects, for the configurations that `--print` writes.
    package let site: Site

    /// What a printed gateway configuration is about.
    package struct Site: Sendable, Hashable {
        package var listen = "0.0.0.0:8080"
        package var upstream = "127.0.0.1:9000"
    }

    /// Reads a configuration that a parser has turned into a value.
    ///
    /// - Parameters:
    ///   - value: the whole document.
    ///   - line: the line on which the member of a path stands.
    /// - Throws: everything that is wrong, of the policy and of the gateway.
    package init(_ value: JSONValue, line: (String) -> Int?) throws(PolicyDocument.Faults) {
        var reader = PolicyReader()
        let policy = reader.document(value)
        let gateway = reader.gateway(value.objectValue?["gateway"])
        guard let policy, reader.faults.isEmpty else { throw reader.allFaults(line) }
        self.policy = policy
        listeners = gateway.listeners
        tls = gateway.tls
        shadow = gateway.shadow
        trustedPeers = gateway.trustedPeers
        rules = AccessRules(gateway.rules)
        identity = gateway.identity
        internalToken = gateway.internalToken
        limits = gateway.limits
        logLevel = gateway.logLevel
        site = gateway.site
    }
}
#endif
