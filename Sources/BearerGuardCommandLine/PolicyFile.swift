// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import BearerGuard
import BearerGuardAudit
import BearerGuardYAML

/// Reads policy documents and key sets from files, with faults that name file, line and member.
enum PolicyFile {
    private static let limit = 4 * 1024 * 1024

    static func load(_ path: String) throws(CommandFailure) -> PolicyDocument {
        do throws(PolicyDocument.Faults) {
            let (value, line) = try document(path)
            return try PolicyDocument(value, line: line)
        } catch {
            throw CommandFailure(error, in: path)
        }
    }

    /// A document as a value, and the line on which the member of a path stands.
    static func document(
        _ path: String
    ) throws(PolicyDocument.Faults) -> (value: JSONValue, line: @Sendable (String) -> Int?) {
        let text: [UInt8]
        do throws(ConfigurationError) {
            text = try bytes(path, limit: limit)
        } catch {
            // The message names the file already.
            throw PolicyDocument.Faults(error.message)
        }
        if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
            #if YAML
            let document = try YAMLDocument(String(decoding: text, as: UTF8.self))
            return (document.value, { document.line(of: $0) })
            #else
            throw PolicyDocument.Faults("built without the trait YAML; write it in JSON")
            #endif
        }
        let map: JSONSourceMap
        let value: JSONValue
        do {
            value = try JSONDocument(text, limits: .document).value
            map = JSONSourceMap(text)
        } catch {
            let isNamedJSON = path.hasSuffix(".json")
            throw PolicyDocument.Faults(
                "the document is \(error.detail)"
                    + (isNamedJSON ? "" : "; YAML needs a name that ends in .yaml or .yml"),
                line: JSONDocument.faultLine(text)
            )
        }
        return (value, { map.line(of: $0) })
    }

    /// The trusted issuers of a document, without a network.
    static func issuers(
        of document: PolicyDocument,
        at path: String
    ) throws(CommandFailure) -> [TrustedIssuer] {
        try CommandFailure.explaining(path) { () throws(ConfigurationError) in
            try document.trustedIssuers(relativeTo: directory(of: path), fetch: nil)
        }
    }

    /// The key set of a text that was found at a place; its keys are checked at the same time, on all cores.
    static func keySet(
        _ text: [UInt8],
        at place: String,
        allowingSecrets: Bool = false
    ) async throws(CommandFailure) -> JWKSet {
        let keys: [Result<JSONObject, JSONError>]
        do {
            keys = try JWKSet.members(of: text)
        } catch {
            let isPEM = text.starts(with: "-----BEGIN ".utf8)
            throw CommandFailure(
                "\(place): \(error.detail)",
                hints: isPEM ? ["a policy document takes a public key as PEM, by the member pem of keys"] : []
            )
        }
        let entries = await withTaskGroup(of: (number: Int, entry: JWKSet.Entry).self) { group in
            for (number, members) in keys.enumerated() {
                group.addTask { (number, JWKSet.Entry(members, allowingSecrets ? .local : .fetched)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return JWKSet(entries: entries.sorted { $0.number < $1.number }.map(\.entry))
    }

    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        do throws(ConfigurationError) {
            return try bytes(path, limit: limit)
        } catch {
            // The message names the file already.
            let isAddress = path.hasPrefix("http://") || path.hasPrefix("https://")
            throw CommandFailure(
                error.message,
                hints: isAddress ? ["this takes a file: curl -s URL | bearerguard … -"] : []
            )
        }
    }

    /// The bytes of a file, or of standard input for `-`, without the byte order mark that some editors put in front.
    static func bytes(_ path: String, limit: Int) throws(ConfigurationError) -> [UInt8] {
        let bytes = try LocalFile.read(path == "-" ? "/dev/stdin" : path, limit: limit)
        let mark: [UInt8] = .byteOrderMark
        return bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
#endif
