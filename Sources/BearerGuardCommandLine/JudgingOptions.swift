// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import ArgumentParser
import BearerGuard
import BearerGuardAudit

/// What tokens are judged by: shared by `audit` and `inspect`.
struct JudgingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A JWK Set; its keys serve every --issuer.", valueName: "file"))
    var jwks: String?

    @Option(help: ArgumentHelp("A policy document in JSON or YAML.", valueName: "file"))
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "Keys of the past, as `bearerguard keys record` keeps them, for issuers of --policy that would be fetched.",
            valueName: "folder"
        )
    )
    var archive: String?

    @Option(help: "An accepted issuer; may repeat. Without one, 'iss' is not checked.")
    var issuer: [String] = []

    @Option(help: "An accepted audience; may repeat. Without one, 'aud' is not checked.")
    var audience: [String] = []

    @Option(
        help: ArgumentHelp(
            "Accepted algorithms, separated by commas; those with public keys unless given.",
            valueName: "names"
        )
    )
    var algorithms: String?

    @Option(help: ArgumentHelp("Accepted 'typ', separated by commas, such as at+jwt.", valueName: "types"))
    var typ: String?

    @Option(help: ArgumentHelp("Seconds by which clocks may differ, 0 to 300; 0 unless given.", valueName: "seconds"))
    var clockSkew: Int?

    /// The policy, and the files that it was read from; nil where neither keys nor a document were given.
    func policy(
        at instant: AuditPolicy.Instant
    ) async throws(CommandFailure) -> (policy: AuditPolicy, files: [String])? {
        if let policy {
            guard jwks == nil, issuer.isEmpty, audience.isEmpty, algorithms == nil, typ == nil, clockSkew == nil else {
                throw CommandFailure(
                    "--policy says it all: it cannot be mixed with --jwks, --issuer, --audience, --algorithms, --typ or --clock-skew"
                )
            }
            let document = try PolicyFile.load(policy)
            let issuers = try PolicyFile.issuers(of: document, at: policy)
            let judged = try CommandFailure.explaining(archive ?? policy) { () throws(ConfigurationError) in
                try AuditPolicy(
                    issuers: issuers,
                    requiring: document.requirement,
                    archive: archive.map { path throws(ConfigurationError) in try KeyArchive(reading: path) },
                    instant: instant
                )
            }
            let directory = PolicyFile.directory(of: policy)
            let keyFiles = document.issuers.compactMap(\.keyFile)
            return (
                judged, [policy] + keyFiles.map { $0.hasPrefix("/") || directory.isEmpty ? $0 : "\(directory)/\($0)" }
            )
        }
        guard archive == nil else {
            throw CommandFailure("--archive needs --policy, whose issuers say whose keys to look for")
        }
        guard let jwks else { return nil }
        if let clockSkew, !(0...300).contains(clockSkew) {
            throw CommandFailure("--clock-skew must be 0 to 300 seconds")
        }
        let options = [
            ("issuer", isEmpty: issuer.contains("")), ("audience", audience.contains("")),
            ("typ", typ.map { Self.list($0).isEmpty } ?? false),
        ]
        for (name, isEmpty) in options where isEmpty { throw CommandFailure("--\(name): names none") }
        let allowed = try allowedAlgorithms()
        let allowsSecrets = allowed.contains(where: \.isSymmetric)
        let set = try await PolicyFile.keySet(PolicyFile.read(jwks), at: jwks, allowingSecrets: allowsSecrets)
        let judged = try CommandFailure.explaining(jwks) { () throws(ConfigurationError) in
            try AuditPolicy(
                keySet: set,
                issuers: issuer,
                audience: audience,
                algorithms: allowed,
                types: typ.map(Self.list),
                clockSkew: clockSkew ?? 0,
                instant: instant
            )
        }
        return (judged, [jwks])
    }

    /// Says what a policy made of flags leaves open.
    func warnAboutHoles() {
        guard policy == nil, jwks != nil else { return }
        if issuer.isEmpty { Terminal.say("note: no --issuer given, so 'iss' is not checked") }
        if audience.isEmpty { Terminal.say("note: no --audience given, so 'aud' is not checked") }
    }

    private func allowedAlgorithms() throws(CommandFailure) -> Set<SignatureAlgorithm> {
        guard let algorithms else { return .asymmetric }
        var allowed: Set<SignatureAlgorithm> = []
        for name in Self.list(algorithms) {
            guard let algorithm = SignatureAlgorithm(rawValue: name) else {
                let known = SignatureAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure(
                    "--algorithms: '\(name.escapedForLogs)' is not known",
                    hints: ["known are \(known)"]
                )
            }
            allowed.insert(algorithm)
        }
        guard !allowed.isEmpty else { throw CommandFailure("--algorithms: names none") }
        return allowed
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { part in String(part.drop { $0 == " " }) }
    }

    /// `now`, Unix seconds, or RFC 3339.
    static func time(_ text: String) throws(CommandFailure) -> UnixTime {
        if text == "now" { return WallClock.system.now() }
        guard let time = UnixTime(text: text) else {
            throw CommandFailure(
                "--at: '\(text.escapedForLogs)' is no time",
                hints: ["write now, Unix seconds such as 1767225600, or 2026-01-01T00:00:00Z"]
            )
        }
        return time
    }
}

extension PolicyDocument.Issuer {
    /// The file that has its keys, if one does.
    fileprivate var keyFile: String? {
        switch keys {
        case .file(let path), .secretFile(let path, _, _): path
        case .discovery, .metadataURL, .jwksURL, .keySet, .pem: nil
        }
    }
}
#endif
