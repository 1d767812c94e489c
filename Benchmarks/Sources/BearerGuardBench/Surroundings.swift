// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BenchmarkLoad
import CRawOpenSSL
import Foundation

/// What figures depend on beside the code.
enum Surroundings {
    /// The processor as Linux names it.
    static var processor: String {
        value(of: "model name", in: "/proc/cpuinfo", separator: ":") ?? "unknown processor"
    }

    static var system: String {
        value(of: "PRETTY_NAME", in: "/etc/os-release", separator: "=") ?? "unknown system"
    }

    static var versions: [(name: String, version: String)] {
        var versions = [
            ("OpenSSL", String(cString: raw_openssl_version())), ("jansson", String(cString: raw_jansson_version())),
        ]
        if let swift { versions.append(("Swift", swift)) }
        if let jwtKit { versions.append(("jwt-kit", jwtKit)) }
        return versions
    }

    /// The compiler that is installed, as nothing says at run time by which one a program was made.
    private static var swift: String? {
        guard let told = try? Command(["/usr/bin/env", "swift", "--version"]).output(),
            let start = told.range(of: "Swift version ")
        else { return nil }
        return String(told[start.upperBound...].prefix { $0 != " " })
    }

    private static var jwtKit: String? {
        struct Resolved: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { let version: String? }
                let identity: String
                let state: State
            }
            let pins: [Pin]
        }
        let file = URL(fileURLWithPath: Repository.benchmarks + "/Package.resolved")
        guard let text = try? Data(contentsOf: file), let all = try? JSONDecoder().decode(Resolved.self, from: text)
        else { return nil }
        return all.pins.first { $0.identity == "jwt-kit" }?.state.version
    }

    /// What stands behind a name in a file of lines.
    private static func value(of name: String, in file: String, separator: Character) -> String? {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: separator).last.map { $0.trimmingCharacters(in: [" ", "\t", "\""]) }
    }
}
