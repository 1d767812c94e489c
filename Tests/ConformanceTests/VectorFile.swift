// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation

/// The folder of test vectors, which the project does not contain.
enum VectorFolder {
    static let url: URL? = {
        let candidates = [ProcessInfo.processInfo.environment["BEARERGUARD_VECTORS"], "../shared/vectors"]
        return candidates.compactMap { $0 }.map { URL(fileURLWithPath: $0) }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }()

    /// The names of all files of cases.
    static let files: [String] = {
        guard let url, let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else { return [] }
        return names.filter { $0.hasSuffix(".ndjson") }.sorted()
    }()
}

/// One case, as its line has it.
struct VectorCase {
    let members: [String: Any]

    init(line: Data) throws {
        guard let members = try JSONSerialization.jsonObject(with: line) as? [String: Any] else {
            throw CocoaError(.fileReadCorruptFile)
        }
        self.members = members
    }

    var id: String { text("id") ?? "?" }
    var kind: String { text("kind") ?? "?" }
    var expect: String { text("expect") ?? "?" }
    var hasRequest: Bool { members["request"] != nil }
    var rightReasons: [String] { [text("reason")].compactMap { $0 } + (members["reasonAlt"] as? [String] ?? []) }

    func text(_ name: String) -> String? { members[name] as? String }

    var tokenBytes: [UInt8] {
        if let token = text("token") { return Array(token.utf8) }
        return text("tokenBase64").flatMap { Data(base64Encoded: $0) }.map { Array($0) } ?? []
    }

    var keySetText: [UInt8] {
        if let text = text("jwksText") { return Array(text.utf8) }
        guard let set = members["jwks"], let data = try? JSONSerialization.data(withJSONObject: set) else { return [] }
        return Array(data)
    }

    var policy: [String: Any] { members["policy"] as? [String: Any] ?? [:] }

    /// Cases that are not lines of JSON objects would be lost silently otherwise.
    static func read(_ name: String) throws -> [VectorCase] {
        guard let folder = VectorFolder.url else { return [] }
        let data = try Data(contentsOf: folder.appendingPathComponent(name))
        return try data.split(separator: UInt8(ascii: "\n")).map { try VectorCase(line: Data($0)) }
    }
}
