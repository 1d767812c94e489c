// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import ArgumentParser
import BearerGuard
import BearerGuardAsyncHTTPClient

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Look at keys, or record those that issuers publish.",
        discussion: """
            EXAMPLES
              bearerguard keys jwks.json
              bearerguard keys record --policy api.yaml --archive keys/

            EXIT STATUS
              0 every key can be used
              1 some cannot
              2 usage or input fault
              3 a set could not be fetched
            """,
        subcommands: [ListKeysCommand.self, RecordKeysCommand.self],
        defaultSubcommand: ListKeysCommand.self
    )
}

struct ListKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the keys of a set, and what is wrong with each.",
        discussion: """
            Private and secret members are never shown.

            EXAMPLES
              bearerguard keys jwks.json
              \(otherExample)

            EXIT STATUS
              0 every key can be used
              1 some cannot
              2 usage or input fault\(statusOfFetching)
            """
    )

    #if AsyncHTTPClient
    private static let otherExample = "bearerguard keys https://idp.example/.well-known/jwks.json --json"
    private static let kindsOfSource = "A file, - for standard input, or an https URL."
    private static let statusOfFetching = "\n  3 the set could not be fetched"
    private static let visibilityOfFetching = ArgumentVisibility.default
    #else
    private static let otherExample = "curl -s https://idp.example/.well-known/jwks.json | bearerguard keys - --json"
    private static let kindsOfSource = "A file, or - for standard input."
    private static let statusOfFetching = ""
    private static let visibilityOfFetching = ArgumentVisibility.hidden
    #endif

    @Argument(help: ArgumentHelp(kindsOfSource))
    var source: String

    @Flag(help: "One JSON object a key for programs.")
    var json = false

    @Flag(help: ArgumentHelp("Allow http to 127.0.0.1, ::1 and localhost.", visibility: visibilityOfFetching))
    var allowLoopbackHTTP = false

    func run() async throws {
        let isURL = source.hasPrefix("https://") || source.hasPrefix("http://")
        let text = isURL ? try await fetch() : try PolicyFile.read(source)
        let set = try await PolicyFile.keySet(text, at: source)
        let rows = set.entries.map { KeyRow($0, among: set.entries) }
        for (index, row) in rows.enumerated() {
            try Terminal.print(json ? row.json.text : row.text(number: index + 1))
        }
        let unusable = rows.count { !$0.isUsable }
        if !json { try Terminal.print("\(rows.count) keys, \(rows.count - unusable) usable") }
        throw ExitCode(unusable > 0 || rows.isEmpty ? CommandFailure.findings : 0)
    }

    private func fetch() async throws(CommandFailure) -> [UInt8] {
        #if AsyncHTTPClient
        let (url, fetcher) = try CommandFailure.explaining(source) { () throws(ConfigurationError) in
            (try ServiceURL(source, allowsLoopbackHTTP: allowLoopbackHTTP), try AsyncHTTPClientFetcher())
        }
        let request = FetchRequest(url: url.text, maximumBytes: 512 * 1024, deadline: .seconds(5))
        let response: FetchResponse
        do throws(FetchError) {
            response = try await fetcher.fetch(request)
            await fetcher.shutdown()
        } catch {
            await fetcher.shutdown()
            let message = "\(source): could not be fetched (\(error.rawValue))"
            throw CommandFailure(message, status: CommandFailure.keysUnavailable)
        }
        guard response.status == 200 else {
            throw CommandFailure("\(source): answered \(response.status)", status: CommandFailure.keysUnavailable)
        }
        return response.body
        #else
        throw CommandFailure(
            "\(source): this build fetches nothing",
            hints: ["build with --traits Gateway, or fetch it yourself: curl -s URL | bearerguard keys -"]
        )
        #endif
    }
}

/// One key as a row.
private struct KeyRow {
    let isUsable: Bool
    let json: JSONValue
    private let lines: [String]

    init(_ entry: JWKSet.Entry, among entries: [JWKSet.Entry]) {
        let keyID = entry.keyID?.escapedForLogs
        let thumbprint = entry.members.flatMap { try? JWKThumbprint.sha256($0) }
        let type = entry.members?["kty"]?.stringValue?.escapedForLogs ?? "unknown type"
        let curve = entry.members?["crv"]?.stringValue?.escapedForLogs
        let bits = entry.members.flatMap { try? JWK.components($0) }?.bits
        let description = [type, curve, bits.map { "\($0) bits" }].compactMap { $0 }.joined(separator: " ")
        var members: [(String, JSONValue)] = [
            ("kid", keyID.map { .string($0) } ?? .null), ("kty", .string(type)),
            ("crv", curve.map { .string($0) } ?? .null), ("bits", bits.map { .integer(Int64($0)) } ?? .null),
            ("thumbprint", type == "oct" ? .null : thumbprint.map { .string($0) } ?? .null),
        ]
        var lines = ["kid \(keyID ?? "(none)"): \(description)"]
        if let thumbprint, type != "oct" { lines.append("  thumbprint  \(thumbprint)") }
        switch entry.key {
        case .success(let key) where Self.isAmbiguous(key, among: entries):
            members += [("usable", false), ("reason", "ambiguous_key"), ("fault", "another key has this kid")]
            lines.append("  NOT USED    another key has this kid; a token that names it is refused with ambiguous_key")
            isUsable = false
        case .success(let key):
            let names = SignatureAlgorithm.allCases.filter(key.algorithms.contains).map(\.rawValue)
            members += [("usable", true), ("algorithms", .array(names.map { .string($0) }))]
            lines.append("  verifies    \(names.joined(separator: ", "))")
            if key.keyID == nil {
                lines.append("  note        without a kid it serves only tokens that name none")
            }
            isUsable = true
        case .failure(let fault):
            let code = Rejection(fault).code.text
            members += [("usable", false), ("reason", .string(code)), ("fault", .string(fault.detail))]
            lines.append("  NOT USED    \(fault.detail); a token that names it is refused with \(code)")
            isUsable = false
        }
        self.lines = lines
        json = .object(members)
    }

    /// Whether a token that names this key could mean another one.
    private static func isAmbiguous(_ key: VerificationKey, among entries: [JWKSet.Entry]) -> Bool {
        guard let keyID = key.keyID else { return false }
        return entries.contains { entry in
            guard case .success(let other) = entry.key, other.keyID?.isExactly(keyID) == true else { return false }
            return other.thumbprint != key.thumbprint && !other.algorithms.isDisjoint(with: key.algorithms)
        }
    }

    func text(number: Int) -> String {
        lines.joined(separator: "\n")
    }
}
#endif
