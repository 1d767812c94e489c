// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

/// Complete configurations of the programs around the service, from the service's own.
package enum PrintedConfiguration: String, Sendable, CaseIterable {
    case nginx
    case caddy
    case haproxy
    case haproxyLua = "haproxy-lua"
    case apache
    case apacheLua = "apache-lua"
    case traefik
    case envoy
    case systemd
    case kubernetes
    case schema

    /// Whether it asks the service, which it does in plain HTTP.
    package var asks: Bool {
        switch self {
        case .nginx, .caddy, .haproxyLua, .apacheLua, .traefik, .envoy: true
        case .haproxy, .apache, .systemd, .kubernetes, .schema: false
        }
    }

    /// All names, for help texts.
    package static var allNames: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// The text of one.
    ///
    /// - Parameters:
    ///   - document: the service's configuration.
    ///   - file: the name of its file.
    /// - Throws: ``ConfigurationError`` where the service has no listener that it could be asked at.
    package func text(for document: GatewayDocument, file: String) throws(ConfigurationError) -> String {
        let lines =
            switch self {
            case .nginx: try Self.nginx(document)
            case .caddy: try Self.caddy(document)
            case .haproxy: Self.haproxy(document)
            case .haproxyLua: try Self.haproxyLua(document)
            case .apache: Self.apache(document)
            case .apacheLua: try Self.apacheLua(document)
            case .traefik: try Self.traefik(document)
            case .envoy: try Self.envoy(document)
            case .systemd: Self.systemd(document, file)
            case .kubernetes: try Self.kubernetes(document)
            case .schema: ConfigurationSchema.text
            }
        return lines.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasSuffix(Self.nothing) }
            .joined(separator: "\n")
    }

    /// Ends a line that a template has no use for.
    private static let nothing = "\u{1}"

    /// A block of lines for a template; where there are none, its line goes.
    static func block(_ lines: [String], indent: Int) -> String {
        if lines.isEmpty { return nothing }
        let space = String(repeating: " ", count: indent)
        return lines.enumerated().map { $0 == 0 ? $1 : space + $1 }.joined(separator: "\n")
    }
}

extension GatewayDocument {
    /// Host and port that gateways reach the service at; a Unix socket is no answer to most of them.
    func serviceAddress() throws(ConfigurationError) -> (host: String, port: Int) {
        for case .address(let host, let port) in listeners { return (Self.reachable(host), port) }
        throw ConfigurationError("gateway.listen: it would ask by host and port, and no listener has them")
    }

    /// Both as one text.
    func serviceAuthority() throws(ConfigurationError) -> String {
        let (host, port) = try serviceAddress()
        return Listener.address(host: host, port: port).description
    }

    /// Host and port of the listener that Envoy asks by gRPC; nil where there is none.
    var grpcAddress: (host: String, port: Int)? {
        for case .grpc(let host, let port) in listeners { return (Self.reachable(host), port) }
        return nil
    }

    private static func reachable(_ host: String) -> String { ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host }

    /// The identity headers under every spelling that some server takes for theirs.
    var identitySpellings: [String] { identityNames.flatMap(IdentityField.spellings) }

    /// Host and port of a text that was read as both.
    static func parts(_ text: String) -> (host: String, port: Int) {
        if case .address(let host, let port) = Listener(text) { return (host, port) }
        return ("127.0.0.1", 0)
    }
}

extension GatewayDocument.Listener {
    /// The same place, with the port that the system chose.
    package func withPort(_ port: Int) -> String {
        switch self {
        case .address(let host, _): Self.address(host: host, port: port).description
        case .grpc(let host, _): Self.grpc(host: host, port: port).description
        case .unixSocket: description
        }
    }
}
#endif
