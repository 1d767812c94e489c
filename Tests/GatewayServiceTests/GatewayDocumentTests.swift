// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardGateway
import BearerGuardYAML
import Foundation
import Testing

@Suite("Gateway configuration")
struct GatewayDocumentTests {
    static let issuers = """
        issuers:
          - issuer: https://issuer.test
            audience: https://api.test
            algorithms: [ES256]

        """

    static func read(_ text: String) throws -> GatewayDocument {
        let document = try YAMLDocument(text)
        return try GatewayDocument(document.value) { document.line(of: $0) }
    }

    @Test("A whole configuration is read")
    func whole() throws {
        let document = try Self.read(
            Self.issuers + """
                gateway:
                  listen: ["127.0.0.1:9191", "[::1]:9191", "unix:/run/bearerguard.sock"]
                  trustedPeers: 10.0.0.0/8
                  logLevel: warning
                  rules:
                    - {path: /health, methods: GET, access: public}
                    - {host: "*.example.com", path: /**, require: {scopes: read, freshKeys: 60}}
                  identity:
                    X-Auth-Subject: sub
                    X-Auth-Roles: [realm_access, roles]
                  limits: {connections: 100, drainSeconds: 0, threads: 3}
                """
        )
        #expect(
            document.listeners.map(\.description) == ["127.0.0.1:9191", "[::1]:9191", "unix:/run/bearerguard.sock"]
        )
        #expect(
            document.rules.rules.map(\.summary) == [
                "GET any host /health -> public", "any method *.example.com /** -> required",
            ]
        )
        #expect(document.identity.map(\.name) == ["X-Auth-Subject", "X-Auth-Roles"])
        #expect(document.limits.connections == 100 && document.limits.drainSeconds == 0)
        #expect(document.limits.concurrentRequests == 4096 && document.limits.threads == 3)
        #expect(document.logLevel == .warning)
    }

    @Test("Every fault is told at once, with its line and member, those of the policy too")
    func faults() throws {
        let text =
            """
            issuers:
              - issuer: https://issuer.test
                audience: https://api.test
                algorithms: [none]
            gateway:
              listen: nowhere
              trustedPeers: [localhost]
              loglevel: info
              rules:
                - {path: /a//b}
                - {path: /a, access: sometimes}
                - {path: /a, access: public, require: {scopes: x}}
                - {methods: [get]}
                - {path: /a, require: {freshKeys: 0}}
              identity: {X-User: sub, x-user: sub, Cookie: sub, "X User": sub, X-Empty: []}
              limits: {connections: 0}
            """
        do {
            _ = try Self.read(text)
            Issue.record("was read")
        } catch let faults as PolicyDocument.Faults {
            #expect(
                faults.faults.map { "\($0.line ?? 0) \($0.path)" } == [
                    "4 issuers[0].algorithms[0]", "8 gateway.loglevel", "6 gateway.listen[0]",
                    "7 gateway.trustedPeers[0]", "10 gateway.rules[0].path", "11 gateway.rules[1].access",
                    "12 gateway.rules[2].require", "13 gateway.rules[3].path", "13 gateway.rules[3].methods",
                    "14 gateway.rules[4].require.freshKeys", "15 gateway.identity.x-user",
                    "15 gateway.identity.Cookie", "15 gateway.identity.X User", "15 gateway.identity.X-Empty",
                    "16 gateway.limits.connections",
                ]
            )
        }
    }

    @Test(
        "The page of each gateway shows what is printed for the configuration of its guide",
        arguments: [
            ("Nginx", [PrintedConfiguration.nginx]), ("Caddy", [.caddy]), ("HAProxy", [.haproxy, .haproxyLua]),
            ("Apache", [.apache, .apacheLua]), ("Envoy", [.envoy]), ("Traefik", [.traefik]),
        ]
    )
    func pages(_ name: String, _ printed: [PrintedConfiguration]) throws {
        let catalogue = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/BearerGuard/BearerGuard.docc")
        let guide = try String(
            contentsOf: catalogue.appendingPathComponent("Guides/RunTheAuthService.md"),
            encoding: .utf8
        )
        let page = try String(contentsOf: catalogue.appendingPathComponent("Gateways/\(name).md"), encoding: .utf8)
        let yaml = try #require(guide.components(separatedBy: "```yaml\n").dropFirst().first)
        let document = try Self.read(try #require(yaml.components(separatedBy: "```").first))
        for what in printed {
            #expect(try page.contains("\n" + what.text(for: document, file: "gateway.yaml") + "\n```"))
        }
    }

    @Test("The environment sets members by their places, as JSON or as text")
    func environment() throws {
        let document = try YAMLDocument(Self.issuers + "gateway: {rules: [{path: /a}]}").value
        let changed = try EnvironmentOverrides.apply(
            [
                ("PATH", "/bin"), ("BEARERGUARD_CONFIG_gateway__logLevel", "debug"),
                ("BEARERGUARD_CONFIG_gateway__limits__connections", "7"),
                ("BEARERGUARD_CONFIG_gateway__rules__1", #"{"path": "/b"}"#),
                ("BEARERGUARD_CONFIG_gateway__listen", #"["127.0.0.1:1", "127.0.0.1:2"]"#),
                ("BEARERGUARD_CONFIG_issuers__0__alias", "main"),
            ],
            to: document
        )
        let read = try GatewayDocument(changed) { _ in nil }
        #expect(read.logLevel == .debug && read.limits.connections == 7)
        #expect(read.rules.rules.map(\.path.description) == ["/a", "/b"])
        #expect(read.listeners.map(\.description) == ["127.0.0.1:1", "127.0.0.1:2"])
        #expect(read.policy.issuers.first?.alias == "main")
        for name in ["issuers__7__alias", "gateway____x", "", "gateway__rules__x"] {
            #expect(throws: PolicyDocument.Faults.self, "\(name)") {
                try EnvironmentOverrides.apply([("BEARERGUARD_CONFIG_" + name, "x")], to: document)
            }
        }
    }

    @Test("A fault that the environment set names its variable, and no line of the file")
    func environmentFaults() throws {
        let document = try YAMLDocument(Self.issuers + "gateway: {rules: [{path: /a}], logLevel: shrill}").value
        let variables = [
            ("BEARERGUARD_CONFIG_gateway__rules__0__access", "open"), ("BEARERGUARD_CONFIG_gateway__limits", "7"),
        ]
        let changed = try EnvironmentOverrides.apply(variables, to: document)
        do {
            _ = try GatewayDocument(changed) { _ in 3 }
            Issue.record("it has faults")
        } catch {
            let named = EnvironmentOverrides.naming(variables, in: error).faults
            #expect(
                Set(named.map { "\($0.path) \($0.line ?? 0)" }) == [
                    "BEARERGUARD_CONFIG_gateway__rules__0__access: gateway.rules[0].access 0",
                    "BEARERGUARD_CONFIG_gateway__limits: gateway.limits 0", "gateway.logLevel 3",
                ]
            )
        }
    }

    @Test("What asks by host and port is printed for a listener that has them, and for no other")
    func printedListeners() throws {
        func document(_ listen: String) throws -> GatewayDocument {
            try Self.read(Self.issuers + "gateway: {listen: [\"\(listen)\"], rules: [{path: /**}]}")
        }
        for what in PrintedConfiguration.allCases where what.asks {
            #expect(try what.text(for: document("[::1]:9199"), file: "g").contains("::1"), "\(what)")
            let text = try what.text(for: document("[::1]:9199"), file: "g")
            #expect(!text.contains("//::1") && !text.contains(" ::1:"), "\(what)")
            for (listener, asked) in [
                ("unix:/run/a.sock", PrintedConfiguration.nginx), ("grpc:127.0.0.1:9192", .envoy),
            ] {
                let document = try document(listener)
                if what == asked {
                    #expect(throws: Never.self) { try what.text(for: document, file: "g") }
                } else {
                    #expect(throws: ConfigurationError.self, "\(what)") { try what.text(for: document, file: "g") }
                }
            }
        }
    }

    @Test("Without a member gateway there is nothing to serve")
    func missing() throws {
        #expect(throws: PolicyDocument.Faults.self) { try Self.read(Self.issuers) }
    }

    @Test("A policy document may have a member gateway, which audits do not read")
    func policy() throws {
        let text = Self.issuers + "gateway: {rules: []}"
        #expect(try PolicyDocument(yaml: text).issuers.count == 1)
    }

    @Test(
        "Every printed configuration names the service, the site and each identity header",
        arguments: PrintedConfiguration.allCases
    )
    func printed(_ what: PrintedConfiguration) throws {
        let document = try Self.read(
            Self.issuers + """
                gateway:
                  listen: "127.0.0.1:9199"
                  site: {listen: "127.0.0.1:8088", upstream: "127.0.0.1:9009"}
                  rules: [{path: /**}]
                  identity: {X-Auth-Subject: sub}
                """
        )
        let text = try what.text(for: document, file: "/etc/gateway.yaml")
        switch what {
        case .systemd: #expect(text.contains("--config /etc/gateway.yaml"))
        case .kubernetes: #expect(text.contains("9199"))
        case .schema: #expect(try JSONDocument(Array(text.utf8), limits: .document).object()["$defs"] != nil)
        case .apacheLua: #expect(text.contains("127.0.0.1:9199") && text.contains("X-Auth-Subject"))
        case .apache: #expect(text.contains("127.0.0.1:8088") && text.contains("127.0.0.1:9009"))
        case .haproxyLua: #expect(text.contains("127.0.0.1:9199") && text.contains("x-auth-subject"))
        case .haproxy: #expect(text.contains("127.0.0.1:8088") && text.contains("del-header x-auth-subject"))
        case .envoy:
            #expect(text.contains("9199") && text.contains("8088") && text.contains("- remove: x_auth_subject"))
        case .traefik: #expect(text.contains("127.0.0.1:9199") && text.contains("- X-Auth-Subject"))
        case .nginx, .caddy:
            #expect(text.contains("127.0.0.1:9199") && text.contains("8088") && text.contains("127.0.0.1:9009"))
            #expect(text.contains("X-Auth-Subject"))
        }
        #expect(!text.contains("\u{1}"))
    }
}
#endif
