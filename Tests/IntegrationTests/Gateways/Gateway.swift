// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// The gateways that run here, each from its own package.
enum Gateway: String, CaseIterable, Sendable {
    case nginx
    case caddy
    case haproxy
    case apache
    case envoy
    case envoyByGRPC = "envoy by gRPC"

    /// Where its program is; nil where it is not installed.
    var program: String? {
        let places =
            switch self {
            case .nginx: ["/usr/sbin/nginx"]
            case .caddy: ["/usr/bin/caddy"]
            case .haproxy: ["/usr/sbin/haproxy"]
            case .apache: ["/usr/sbin/apache2"]
            case .envoy, .envoyByGRPC:
                ["/usr/bin/envoy"]
                    + ProcessInfo.processInfo.environment["PATH", default: ""]
                    .split(separator: ":").map { "\($0)/envoy" }
            }
        return places.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static var installed: [Gateway] {
        for gateway in allCases where gateway.program == nil {
            print("\(gateway.rawValue) is not installed: its tests are skipped")
        }
        return allCases.filter { $0.program != nil }
    }

    /// What clients speak with a gateway.
    enum ClientProtocol: String, CaseIterable, Sendable {
        case http1 = "HTTP/1.1"
        case http2 = "HTTP/2"
    }

    /// Starts it with the configuration that `--print` writes for a site, and what each needs to take HTTP/2 without TLS.
    func start(_ site: GatewaySite, for clients: ClientProtocol = .http1) async throws -> LoopbackProcess {
        let log = site.folder.appendingPathComponent("\(rawValue).log")
        let folder = site.folder
        func write(_ text: String, to name: String) throws -> String {
            let file = folder.appendingPathComponent(name)
            try Data(text.utf8).write(to: file)
            return file.path
        }
        var printed = try await site.printed(self == .envoyByGRPC ? "envoy" : rawValue)
        if clients == .http2 {
            switch self {
            case .nginx:
                printed.replace(
                    "listen 127.0.0.1:\(site.gatewayPort);",
                    with: "listen 127.0.0.1:\(site.gatewayPort) http2;"
                )
            case .caddy: printed.replace("auto_https off", with: "auto_https off\nservers {\nprotocols h1 h2c\n}")
            case .apache:
                printed = """
                    LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
                    Protocols h2c http/1.1
                    \(printed)
                    """
            case .haproxy, .envoy, .envoyByGRPC: break
            }
        }
        let arguments: [String]
        switch self {
        case .nginx:
            _ = try write(printed, to: "site.conf")
            // What a package's own nginx.conf has around it, for a process that needs no privileges.
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
                "\($0)_temp_path \(folder.path)/\($0);"
            }
            let main = """
                daemon off; master_process off; pid \(folder.path)/nginx.pid; error_log stderr;
                events { worker_connections 1024; }
                http { access_log off; \(paths.joined(separator: " ")) include \(folder.path)/site.conf; }
                """
            arguments = ["-p", folder.path, "-c", try write(main, to: "nginx.conf")]
        case .caddy: arguments = ["run", "--adapter", "caddyfile", "--config", try write(printed, to: "Caddyfile")]
        case .haproxy:
            _ = try write(try await site.printed("haproxy-lua"), to: "bearerguard.lua")
            arguments = ["-db", "-f", try write(printed, to: "haproxy.cfg")]
        case .apache:
            let modules = ["mpm_event", "authz_core", "lua", "proxy", "proxy_http"].map {
                "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so"
            }
            let main = """
                ServerRoot \(folder.path)
                DefaultRuntimeDir \(folder.path)
                PidFile \(folder.path)/apache.pid
                ServerName localhost
                User www-data
                ErrorLog /dev/stderr
                \(modules.joined(separator: "\n"))
                \(printed)
                """
            _ = try write(try await site.printed("apache-lua"), to: "bearerguard.lua")
            // One process, so that it is ended by its own identifier.
            arguments = ["-X", "-f", try write(main, to: "apache.conf")]
        case .envoy, .envoyByGRPC:
            let file = try write(printed, to: "envoy.yaml")
            let base = String(UInt16.random(in: 1...30_000))
            arguments = ["-c", file, "--base-id", base, "--concurrency", "1", "--log-level", "warning"]
        }
        guard let program else { throw LoopbackProcess.DidNotStart(description: "\(rawValue) is not installed") }
        let process = try LoopbackProcess(program, arguments, in: folder, log: log)
        do {
            try await process.untilListening(site.gatewayPort)
        } catch {
            process.kill()
            let output = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
            throw LoopbackProcess.DidNotStart(description: "\(rawValue): \(output.suffix(2000))")
        }
        return process
    }
}
#endif
