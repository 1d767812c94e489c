// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Foundation
import Testing

/// Reads the sources: the arrows of the house hold, and every threat has its test.
@Suite("Architecture")
struct ArchitectureTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func swiftFiles(_ folder: String) -> [(name: String, text: String)] {
        let folder = root.appendingPathComponent(folder)
        let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
            (try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)).map { (name, $0) }
        }
    }

    private static func imports(_ text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index < 2, index + 1 < words.count else { return nil }
            return String(words[index + 1])
        }
    }

    @Test("The core imports the two C libraries each in its own folder, and no package and no Foundation")
    func coreImports() {
        let files = Self.swiftFiles("Sources/BearerGuard")
        #expect(files.count > 50)
        for file in files {
            for module in Self.imports(file.text) {
                let isAllowed =
                    switch module {
                    case "COpenSSL": file.name.hasPrefix("Crypto/")
                    case "CJansson": file.name.hasPrefix("JSON/")
                    case "Synchronization", "Glibc", "Musl", "Darwin": true
                    default: false
                    }
                #expect(isAllowed, "\(file.name) imports \(module)")
            }
        }
    }

    @Test("Inside the core no folder names a type of a higher one, and claims and keys not each other's")
    func folders() throws {
        let levels = ["JSON": 0, "Crypto": 0, "JOSE": 1, "Claims": 2, "Keys": 2, "Validation": 3, "Guard": 4]
        let files = Self.swiftFiles("Sources/BearerGuard").filter { !$0.name.contains(".docc") }
        var homes: [String: String] = [:]
        let declaration =
            /^(?:public |package |private |fileprivate |final |indirect )*(?:struct|enum|class|protocol|actor) ([A-Z]\w+)/
        for file in files {
            for line in file.text.split(separator: "\n") where !line.contains("private") {
                if let match = line.firstMatch(of: declaration) {
                    homes[String(match.1)] = String(file.name.prefix { $0 != "/" })
                }
            }
        }
        #expect(homes.count > 60)
        for file in files {
            let folder = String(file.name.prefix { $0 != "/" })
            let level = try #require(levels[folder])
            let code = file.text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(
                separator: "\n"
            )
            let words = Set(code.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
            for word in words {
                guard let home = homes[word], home != folder, let other = levels[home] else { continue }
                #expect(other < level, "\(file.name) names \(word) of \(home)")
            }
        }
    }

    @Test("Adapters import only what is below them, and OpenSSL is used by the test issuer alone")
    func adapterImports() {
        let allowed: [String: Set<String>] = [
            "BearerGuardAudit": ["BearerGuard"], "BearerGuardTesting": ["BearerGuard", "COpenSSL"],
            "BearerGuardHTTPTypes": ["BearerGuard"], "BearerGuardObservability": ["BearerGuard"],
            "BearerGuardAsyncHTTPClient": ["BearerGuard"], "BearerGuardYAML": ["BearerGuard"],
            "BearerGuardHummingbird": ["BearerGuard", "BearerGuardHTTPTypes"],
        ]
        for (target, modules) in allowed {
            for file in Self.swiftFiles("Sources/\(target)") {
                let own = Self.imports(file.text).filter {
                    $0.hasPrefix("BearerGuard") || $0.hasPrefix("C") && $0 != "CoreFoundation"
                }
                #expect(modules.isSuperset(of: own), "\(target)/\(file.name) imports \(own)")
            }
        }
    }

    @Test("Every source file states its licence, and none traps on purpose")
    func everyFile() {
        let files = Self.swiftFiles("Sources") + Self.swiftFiles("Tests")
        for file in files {
            #expect(file.text.hasPrefix("// SPDX-License-Identifier: Apache-2.0\n"), "\(file.name)")
        }
        // Not in what protoc writes, where it stands behind a switch that has been through all cases.
        for file in Self.swiftFiles("Sources") where !file.name.hasSuffix(".pb.swift") {
            for trap in [
                "try" + "!", "fatalError" + "(", "preconditionFailure" + "(", " as" + "! ", "nonisolated(unsafe)",
            ] {
                #expect(!file.text.contains(trap), "\(file.name) has \(trap)")
            }
        }
    }

    @Test("Every row of the attack catalogue has a test that names it")
    func threats() {
        let rows =
            (1...24).map { "A\($0)" } + (1...18).map { "S\($0)" } + (1...15).map { "E\($0)" }
            + (1...12).map { "C\($0)" }
            + (1...20).map { "J\($0)" } + (1...13).map { "H\($0)" }
        let tests = ["BearerGuardTests", "IntegrationTests", "GatewayServiceTests"]
            .flatMap { Self.swiftFiles("Tests/\($0)") }.map(\.text).joined()
        let named = Set(
            tests.matches(of: /(?:Test|display)\(\s*"((?:[ASECJH]\d+(?:, )?)+):/).flatMap { match in
                match.1.split(separator: ",").map { $0.filter { $0 != " " } }
            }
        )
        let missing = rows.filter { !named.contains($0) }
        #expect(missing == [])
    }
}
