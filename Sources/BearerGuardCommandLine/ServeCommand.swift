// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import ArgumentParser
import BearerGuard
import BearerGuardGateway

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer gateways that ask whether a request may pass.",
        discussion: """
            The configuration is a policy document with a member `gateway`:

              issuers:
                - issuer: https://idp.example/
                  audience: https://api.example
                  algorithms: [RS256, ES256]
              gateway:
                listen: ["127.0.0.1:9191"]
                rules:
                  - {path: /health, methods: [GET], access: public}
                  - {path: /orders/**, methods: [GET], require: {scopes: [orders:read]}}
                  - {path: /orders, methods: [POST], require: {scopes: [orders:write]}}
                identity: {X-Auth-Subject: sub, X-Auth-Scope: scope}

            The first rule that is about a request holds; where none is, the request is refused. Gateways ask at
            /authorize (nginx, HAProxy, Apache), /forward-auth (Caddy, Traefik) or /envoy/, or by gRPC at a listener such as
            grpc:127.0.0.1:9192 (Envoy); /livez, /readyz and /metrics are for probes and Prometheus. SIGHUP or a change of
            the file reads it again; SIGTERM drains. The environment sets single members:
            BEARERGUARD_CONFIG_gateway__logLevel=debug.

            EXAMPLES
              bearerguard serve --config gateway.yaml
              bearerguard serve --config gateway.yaml --check
              bearerguard serve --config gateway.yaml --explain GET https://api.example/orders/7 - < token.txt
              bearerguard serve --config gateway.yaml --print nginx > gateway.conf

            EXIT STATUS
              0 drained, or --check found nothing, or --explain says that the request passes
              1 --check found something, or --explain says that the request is refused
              2 usage or input fault
              3 --explain could not get the keys
            """
    )

    @Option(help: ArgumentHelp("The configuration in YAML or JSON.", valueName: "file"))
    var config: String

    @Flag(help: "Check the configuration and its rules, and end.")
    var check = false

    @Flag(help: "Say which rule holds for METHOD URL [TOKEN] and what is decided, and end; - reads the token.")
    var explain = false

    @Option(
        name: .customLong("print"),
        help: ArgumentHelp(
            "Print what others need, and end: \(PrintedConfiguration.allNames).",
            valueName: "what"
        )
    )
    var printed: String?

    @Argument(help: ArgumentHelp("For --explain: METHOD URL [TOKEN].", valueName: "request"))
    var request: [String] = []

    func validate() throws {
        guard explain || request.isEmpty else { throw ValidationError("a request is for --explain alone") }
        guard [check, explain, printed != nil].count(where: \.self) <= 1 else {
            throw ValidationError("--check, --explain and --print exclude each other")
        }
    }

    func run() async throws {
        let path = config
        let load = { @Sendable (path: String) throws(PolicyDocument.Faults) -> GatewayDocument in
            let (value, line) = try PolicyFile.document(path)
            let variables = EnvironmentOverrides.ofProcess
            let changed = try EnvironmentOverrides.apply(variables, to: value)
            do throws(PolicyDocument.Faults) {
                return try GatewayDocument(changed, line: line)
            } catch {
                throw EnvironmentOverrides.naming(variables, in: error)
            }
        }
        do {
            let document = try load(path)
            if let printed { return try show(document, printed) }
            if check { return try await lint(document) }
            if explain { return try await explain(document) }
            let service = GatewayService(file: path, relativeTo: PolicyFile.directory(of: path), load: load)
            try await service.run()
        } catch let faults as PolicyDocument.Faults {
            throw CommandFailure(faults, in: path)
        } catch let error as ConfigurationError {
            throw CommandFailure("\(path): \(error.message)")
        } catch let error as GatewayService.CannotListen {
            throw CommandFailure(error.message)
        }
    }

    private func show(_ document: GatewayDocument, _ name: String) throws {
        guard let what = PrintedConfiguration(rawValue: name) else {
            throw CommandFailure(
                "--print: '\(name.escapedForLogs)' is not known",
                hints: ["known are \(PrintedConfiguration.allNames)"]
            )
        }
        try Terminal.print(try what.text(for: document, file: config))
        if document.tls != nil, what.asks {
            Terminal.say("gateway.tls is set, and this text asks in plain HTTP: add what your gateway needs for TLS")
        }
    }

    private func lint(_ document: GatewayDocument) async throws {
        // Its files are looked at, too.
        let state = try GatewayState(
            document,
            relativeTo: PolicyFile.directory(of: config),
            log: GatewayLog(level: .warning)
        )
        await state.close()
        for warning in document.rules.warnings { try Terminal.print("\(config): \(warning)") }
        let rules = document.rules.rules
        for rule in rules { try Terminal.print("\(rule.place): \(rule.summary)") }
        let isClean = document.rules.warnings.isEmpty
        try Terminal.print(
            "\(rules.count) rules, \(document.policy.issuers.count) issuers, \(document.rules.warnings.count) warnings"
        )
        throw ExitCode(isClean ? 0 : CommandFailure.findings)
    }

    private func explain(_ document: GatewayDocument) async throws {
        guard request.count == 2 || request.count == 3 else {
            throw CommandFailure("--explain needs METHOD URL, and the token if there is one")
        }
        var token = request.count > 2 ? request[2] : nil
        if token == "-" {
            let bytes = try Terminal.standardInput(limit: 1024 * 1024)
            token = String(decoding: bytes.filter { !" \t\r\n".utf8.contains($0) }, as: UTF8.self)
        }
        let explanation = try await Explanation(
            of: request[0],
            request[1],
            token: token,
            by: document,
            relativeTo: PolicyFile.directory(of: config)
        )
        try Terminal.print(explanation.text)
        switch explanation.status {
        case 200: return
        case 503: throw ExitCode(CommandFailure.keysUnavailable)
        default: throw ExitCode(CommandFailure.findings)
        }
    }
}
#endif
