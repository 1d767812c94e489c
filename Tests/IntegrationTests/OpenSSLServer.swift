// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// A real TLS server, `openssl s_server`, with a certificate of a CA that nobody trusts but who is told to.
enum OpenSSLServer {
    static let path = "/usr/bin/openssl"

    /// Whether it is there; the suites that need it say in their output that they are skipped when it is not.
    static let isInstalled = Program.isInstalled(path)

    /// Serves https for the host `name` while `body` runs with the port and the file of the CA's certificate.
    ///
    /// - Parameters:
    ///   - name: what the certificate is for.
    ///   - options: more arguments for `s_server`.
    static func serve(
        certificateFor name: String,
        options: [String] = [],
        _ body: (_ port: Int, _ trustRootsFile: String) async throws -> Void
    ) async throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.url
        try await makeCertificates(in: folder.path, name: name)
        let port = try LoopbackProcess.freePort()
        let process = try LoopbackProcess(
            path,
            ["s_server", "-accept", "127.0.0.1:\(port)", "-www", "-cert", "\(folder.path)/leaf.pem"]
                + ["-key", "\(folder.path)/leaf.key"] + options
        )
        defer { process.kill() }
        try await untilListening(port)
        try await body(port, "\(folder.path)/ca.pem")
    }

    /// Lets curl try until the port accepts; what the server answers does not matter.
    private static func untilListening(_ port: Int) async throws {
        let address = "https://127.0.0.1:\(port)/"
        let arguments = [
            "-sk", "--retry", "50", "--retry-connrefused", "--retry-delay", "0", "--max-time", "5", address,
        ]
        _ = try? await Program.run("/usr/bin/curl", arguments)
    }

    /// Writes a CA's certificate, `ca.pem`, and one that it signed, `leaf.pem` with `leaf.key`.
    static func makeCertificates(in folder: String, name: String) async throws {
        let newKey = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        try await Program.run(
            path,
            newKey + ["-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem", "-subj", "/CN=BearerGuard tests"]
                + ["-addext", "basicConstraints=critical,CA:TRUE"]
        )
        try await Program.run(
            path,
            newKey + ["-keyout", "\(folder)/leaf.key", "-out", "\(folder)/leaf.pem", "-subj", "/CN=\(name)"]
                + ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:\(name)"]
                + ["-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key"]
        )
    }
}
#endif
