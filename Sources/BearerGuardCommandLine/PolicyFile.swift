// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import BearerGuard
import BearerGuardYAML

/// Reads policy documents and key sets from files, with faults that name file, line and member.
enum PolicyFile {
    static func load(_ path: String) throws(CommandFailure) -> PolicyDocument {
        let text = try read(path)
        do throws(PolicyDocument.Faults) {
            if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
                #if YAML
                return try PolicyDocument(yaml: String(decoding: text, as: UTF8.self))
                #else
                throw CommandFailure("\(path): built without the trait YAML; write the policy in JSON")
                #endif
            }
            return try PolicyDocument(json: text)
        } catch {
            throw CommandFailure(error.faults.map { "\(path): \($0)" }.joined(separator: "\n"))
        }
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

    static func keySet(_ path: String, allowingSecrets: Bool) throws(CommandFailure) -> JWKSet {
        let text = try read(path)
        return try CommandFailure.explaining(path) { () throws(ConfigurationError) in
            try JWKSet(text, allowingSecrets: allowingSecrets)
        }
    }

    static func read(_ path: String) throws(CommandFailure) -> [UInt8] {
        do throws(ConfigurationError) {
            return try LocalFile.read(path == "-" ? "/dev/stdin" : path, limit: 4 * 1024 * 1024)
        } catch {
            // The message names the file already.
            throw CommandFailure(error.message)
        }
    }

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
#endif
