// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// What `Tests/run.sh` built.
enum CLibrary {
    static let path = ProcessInfo.processInfo.environment["BEARERGUARD_C_LIBRARY"]
    static let nginxModule = ProcessInfo.processInfo.environment["BEARERGUARD_NGINX_MODULE"]
}

/// The C library, by programs that know nothing of Swift.
@Suite("C interface", .enabled(if: CLibrary.path != nil, "skipped: BEARERGUARD_C_LIBRARY is not set"))
struct CInterfaceTests {
    private static func withFolder(_ body: (URL, TestIssuer) async throws -> Void) async throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.url
        let issuer = try TestIssuer(algorithms: [.es256, .rs256])
        try Data(issuer.keySet.utf8).write(to: folder.appendingPathComponent("keys.json"))
        let policy = """
            {"realm": "c", "issuers": [{"issuer": "\(issuer.issuer)", "audience": "\(issuer.audience)",
              "algorithms": ["ES256", "RS256"], "keys": {"file": "keys.json"}}]}
            """
        try Data(policy.utf8).write(to: folder.appendingPathComponent("policy.json"))
        try await body(folder, issuer)
    }

    @Test("Python judges by ctypes as a guard does", .enabled(if: Program.isInstalled("/usr/bin/python3")))
    func python() async throws {
        try await Self.withFolder { folder, issuer in
            let script = folder.appendingPathComponent("judge.py")
            try Data(Self.python.utf8).write(to: script)
            let good = issuer.token(scopes: ["read"], changes: ["sub": "\u{E9}\u{0}"])
            let narrow = issuer.token()
            // Those that come twice are remembered the second time, which must not be seen.
            let fields: [[String]] = [
                [good], [issuer.token(scopes: ["read"], algorithm: .rs256)], [narrow], [narrow], [good],
                [issuer.token(with: .expired)], [issuer.token(header: ["kid": "nobody"])], ["nonsense"], [good, good],
                [],
            ]
            let tokens = fields.map { $0.map { "Bearer \($0)" }.joined(separator: "\n") }
            let output = try await Program.run(
                "/usr/bin/python3",
                [script.path, CLibrary.path ?? "", folder.path] + tokens
            )
            func refused(_ code: String, _ status: Int, _ error: String, _ description: String, _ more: String = "")
                -> String
            {
                let text = "error=\"\(error)\", error_description=\"\(description)\""
                return "\(code) \(status) Bearer realm=\"c\", \(text)\(more)"
            }
            let missing = "The access token does not grant what is required"
            let expected: [String] = [
                "fault True", "authorized 200 claims True", "authorized 200 claims True user-1",
                refused("insufficient_scope", 403, "insufficient_scope", missing, ", scope=\"read\""),
                refused("insufficient_scope", 403, "insufficient_scope", missing, ", scope=\"read\""),
                "authorized 200 claims True",
                refused("expired", 401, "invalid_token", "The access token expired"),
                refused("unknown_key", 401, "invalid_token", "The access token cannot be verified"),
                refused("malformed", 401, "invalid_token", "The access token is malformed"),
                refused("multiple_tokens", 400, "invalid_request", "More than one access token was sent"),
                "missing_token 401 Bearer realm=\"c\"", "null True", "memory True",
            ]
            #expect(output.split(separator: "\n").map(String.init) == expected)
        }
    }

    @Test("The guide's program compiles and judges", .enabled(if: Program.isInstalled("/usr/bin/cc")))
    func guide() async throws {
        try await Self.withFolder { folder, issuer in
            let root = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let sources = root.appendingPathComponent("Sources")
            let guide = sources.appendingPathComponent("BearerGuard/BearerGuard.docc/Guides/CallFromC.md")
            let text = try String(contentsOf: guide, encoding: .utf8)
            let source = try #require(text.components(separatedBy: "```c\n").dropFirst().first)
                .components(separatedBy: "```")[0]
            let file = folder.appendingPathComponent("judge.c")
            try Data(source.utf8).write(to: file)
            let library = URL(fileURLWithPath: CLibrary.path ?? "").deletingLastPathComponent().path
            let program = folder.appendingPathComponent("judge").path
            _ = try await Program.run(
                "/usr/bin/env",
                [
                    "PATH=/usr/bin:/bin", "cc", "-Wall", "-Werror", file.path, "-I\(sources.path)/CBearerGuard/include",
                    "-L\(library)",
                    "-lBearerGuardC", "-Wl,-rpath,\(library)", "-o", program,
                ]
            )
            let policy = try String(contentsOf: folder.appendingPathComponent("policy.json"), encoding: .utf8)
            func judged(_ token: String) async throws -> String {
                try await Program.run(program, [policy, folder.path, "Bearer \(token)"], expecting: [0, 1])
            }
            #expect(try await judged(issuer.token(scopes: ["orders:read"])) == "200 authorized\nsubject: user-1\n")
            let forbidden = try await judged(issuer.token())
            #expect(forbidden.hasPrefix("403 insufficient_scope\nWWW-Authenticate: Bearer realm=\"c\", error="))
        }
    }

    @Test("An nginx module asks the guard in its own process", .enabled(if: CLibrary.nginxModule != nil))
    func nginx() async throws {
        try await Self.withFolder { folder, issuer in
            let port = try LoopbackProcess.freePort()
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
                "\($0)_temp_path \(folder.path)/\($0);"
            }
            let configuration = """
                load_module \(CLibrary.nginxModule ?? "");
                daemon off; pid \(folder.path)/nginx.pid; error_log stderr; worker_processes 2; user root;
                events { worker_connections 256; }
                http {
                    access_log off; \(paths.joined(separator: " "))
                    bearerguard_policy \(folder.path)/policy.json;
                    server {
                        listen 127.0.0.1:\(port);
                        location /open { return 200 "open"; }
                        location /orders {
                            bearerguard on;
                            bearerguard_scopes "orders:read";
                            add_header X-Seen-Subject $bearerguard_subject;
                            root \(folder.path);
                        }
                    }
                }
                """
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("orders"),
                withIntermediateDirectories: true
            )
            try Data("orders".utf8).write(to: folder.appendingPathComponent("orders/list"))
            let file = folder.appendingPathComponent("nginx.conf")
            try Data(configuration.utf8).write(to: file)
            let nginx = try LoopbackProcess("/usr/sbin/nginx", ["-p", folder.path, "-c", file.path])
            defer { nginx.kill() }
            try await nginx.untilListening(port)
            let url = "http://127.0.0.1:\(port)"
            #expect(try await Curl.get(url + "/open").body == "open")
            let good = GatewayRequest.bearer(issuer.token(scopes: ["orders:read"]))
            for _ in 0..<20 {
                let answer = try await Curl.get(url + "/orders/list", headers: [good])
                #expect(answer.status == 200 && answer.body == "orders")
                #expect(answer.values("X-Seen-Subject") == ["user-1"])
            }
            let bare = try await Curl.get(url + "/orders/list")
            #expect(bare.status == 401 && bare.values("WWW-Authenticate") == [#"Bearer realm="c""#])
            let forbidden = try await Curl.get(url + "/orders/list", headers: [GatewayRequest.bearer(issuer.token())])
            #expect(forbidden.status == 403)
            #expect(forbidden.values("WWW-Authenticate").first?.contains(#"scope="orders:read""#) == true)
            let forged = issuer.token(with: .forgedKey, scopes: ["orders:read"])
            #expect(try await Curl.get(url + "/orders/list", headers: [GatewayRequest.bearer(forged)]).status == 401)
            #expect(await nginx.terminate())
        }
    }

    private static let python = #"""
        import ctypes, json, os, resource, sys

        class Answer(ctypes.Structure):
            _fields_ = [("status", ctypes.c_int32), ("retry_after", ctypes.c_int32), ("code", ctypes.c_char_p),
                        ("challenge", ctypes.c_char_p), ("claims", ctypes.c_char_p), ("claims_length", ctypes.c_size_t),
                        ("subject", ctypes.c_char_p)]

        library = ctypes.CDLL(sys.argv[1])
        library.bearerguard_open.restype = ctypes.c_void_p
        library.bearerguard_open.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                             ctypes.POINTER(ctypes.c_char_p)]
        library.bearerguard_close.argtypes = [ctypes.c_void_p]
        library.bearerguard_judge.restype = ctypes.POINTER(Answer)
        library.bearerguard_judge.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_size_t,
                                              ctypes.c_char_p]
        library.bearerguard_answer_free.argtypes = [ctypes.POINTER(Answer)]

        fault = ctypes.c_char_p()
        print("fault", not library.bearerguard_open(b"{}", 2, None, ctypes.byref(fault)) and b"issuers" in fault.value)

        folder = os.fsencode(sys.argv[2])
        policy = open(os.path.join(sys.argv[2], "policy.json"), "rb").read()
        guard = library.bearerguard_open(policy, len(policy), folder, None)

        def judge(text):
            fields = [field.encode() for field in text.split("\n") if field]
            return library.bearerguard_judge(guard, (ctypes.c_char_p * len(fields))(*fields), len(fields), b"read")

        for text in sys.argv[3:]:
            answer = judge(text)
            parts = [answer[0].code.decode(), str(answer[0].status)]
            if answer[0].challenge:
                parts.append(answer[0].challenge.decode())
            if answer[0].claims:
                claims = answer[0].claims
                parts += ["claims", str(len(claims) == answer[0].claims_length and json.loads(claims)["scope"] == "read")]
            if answer[0].subject:
                parts.append(answer[0].subject.decode())
            print(" ".join(parts))
            library.bearerguard_answer_free(answer)
        print("null", not library.bearerguard_judge(None, None, 0, None) and not library.bearerguard_judge(guard, None, 1, None))

        def repeat(times):
            for _ in range(times):
                library.bearerguard_answer_free(judge(sys.argv[3]))
                library.bearerguard_answer_free(judge(sys.argv[6]))
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        first = repeat(5000)
        print("memory", repeat(20000) - first < 2048)
        library.bearerguard_close(guard)
        """#
}
#endif
