// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// One document that says whom to trust: guard, gateway, audit and command line read the same one.
///
/// It is checked whole: every fault is reported at once, with the member it is in, and settings that would be unsafe
/// are faults too.
public struct PolicyDocument: Sendable {
    /// Where an issuer's keys are.
    public enum KeyLocation: Sendable, Hashable {
        /// At the `jwks_uri` of the issuer's metadata.
        case discovery
        /// At the `jwks_uri` of the issuer's metadata, which are at this address.
        case metadataURL(String)
        /// At this address.
        case jwksURL(String)
        /// In this file, a JWK Set.
        case file(String)
        /// In the document itself.
        case keySet(JSONValue)
        /// In the document, as PEM, for this algorithm.
        case pem(String, keyID: String?, SignatureAlgorithm)
        /// A secret in this file, for this algorithm.
        case secretFile(String, keyID: String?, SignatureAlgorithm)
    }

    /// One issuer of the document.
    public struct Issuer: Sendable {
        /// Its name in events and reports.
        public let alias: String
        /// Where its keys are.
        public let keys: KeyLocation
        /// What must hold of its tokens.
        public let policy: ValidationPolicy
        /// Whether its metadata and keys may be fetched by http from loopback.
        public let allowsLoopbackHTTP: Bool
        /// A file of PEM certificates to trust in place of the system's where its keys are fetched.
        public let trustRootsFile: String?
        /// A file with the token to show where its keys are fetched.
        public let bearerTokenFile: String?

        /// Whether its keys come over the network.
        public var isFetched: Bool {
            switch keys {
            case .discovery, .metadataURL, .jwksURL: true
            case .file, .keySet, .pem, .secretFile: false
            }
        }

        /// Its keys, over the network.
        ///
        /// - Parameters:
        ///   - fetcher: what performs the requests.
        ///   - policy: life and pauses.
        ///   - keyFile: a file to keep the last good set in.
        ///   - onRefresh: hears of refreshes.
        /// - Throws: ``ConfigurationError`` when the address may not be fetched, or its keys are not fetched at all.
        public func remoteKeys(
            fetcher: any HTTPFetcher,
            policy: RefreshPolicy = .standard,
            keyFile: String? = nil,
            onRefresh: (@Sendable (KeyRefreshEvent) -> Void)? = nil
        ) throws(ConfigurationError) -> RemoteKeys {
            switch keys {
            case .discovery, .metadataURL:
                var metadataURL: String?
                if case .metadataURL(let url) = keys { metadataURL = url }
                return try RemoteKeys(
                    discovering: self.policy.issuer,
                    metadataURL: metadataURL,
                    fetcher: fetcher,
                    allowsLoopbackHTTP: allowsLoopbackHTTP,
                    policy: policy,
                    keyFile: keyFile,
                    onRefresh: onRefresh,
                    alias: alias
                )
            case .jwksURL(let url):
                return try RemoteKeys(
                    jwksURL: url,
                    fetcher: fetcher,
                    allowsLoopbackHTTP: allowsLoopbackHTTP,
                    policy: policy,
                    keyFile: keyFile,
                    onRefresh: onRefresh,
                    alias: alias
                )
            case .file, .keySet, .pem, .secretFile:
                throw ConfigurationError("the keys of \(alias) are not fetched")
            }
        }
    }

    /// One thing that is wrong.
    public struct Fault: Sendable, Hashable, CustomStringConvertible {
        /// The member, as in `issuers[0].audience`; empty for the whole document.
        public let path: String
        /// The line it is on, where the text is at hand.
        public let line: Int?
        /// What is wrong and what to write instead.
        public let message: String

        package init(path: String, line: Int?, message: String) {
            self.path = path
            self.line = line
            self.message = message
        }

        /// Line, member and message.
        public var description: String {
            let place = [line.map { "line \($0)" }, path.isEmpty ? nil : path].compactMap { $0 }
            return place.isEmpty ? message : place.joined(separator: ", ") + ": " + message
        }
    }

    /// All that is wrong with a document.
    public struct Faults: Error, Sendable, CustomStringConvertible {
        /// At least one, in the order of the document.
        public let faults: [Fault]

        package init(faults: [Fault]) { self.faults = faults }

        /// One fault of the document as a whole.
        package init(_ message: String, line: Int? = nil) {
            faults = [Fault(path: "", line: line, message: message)]
        }

        /// A fault a line.
        public var description: String { faults.map(\.description).joined(separator: "\n") }
    }

    /// The issuers, in order.
    public let issuers: [Issuer]
    /// The protection space to name in challenges.
    public let realm: String
    /// What every request must meet.
    public let requirement: Requirement

    /// Reads a document in JSON.
    ///
    /// - Throws: ``Faults`` with everything that is wrong.
    public init(json text: [UInt8]) throws(Faults) {
        let value: JSONValue
        do {
            value = try JSONDocument(text, limits: .document).value
        } catch {
            throw Faults("the document is \(error.detail)")
        }
        let map = JSONSourceMap(text)
        try self.init(value) { map.line(of: $0) }
    }

    /// Reads a document that a parser of another format has turned into a value.
    ///
    /// - Parameters:
    ///   - value: the whole document.
    ///   - line: the line on which the member of a path stands.
    /// - Throws: ``Faults`` with everything that is wrong.
    public init(_ value: JSONValue, line: (String) -> Int?) throws(Faults) {
        var reader = PolicyReader()
        let document = reader.document(value)
        guard let document, reader.faults.isEmpty else { throw reader.allFaults(line) }
        self = document
    }

    init(issuers: [Issuer], realm: String, requirement: Requirement) {
        self.issuers = issuers
        self.realm = realm
        self.requirement = requirement
    }

    /// The trusted issuers with their keys.
    ///
    /// - Parameters:
    ///   - directory: where relative file names start; empty for the working directory.
    ///   - onFileChange: hears when a key file has changed, or can no longer be used.
    ///   - fetch: makes the keys of issuers that are fetched; nil for a program without a network, whose tokens of such
    ///     issuers stay undecided.
    /// - Throws: ``ConfigurationError`` when a file cannot be read or holds no usable key; the message names the issuer.
    public func trustedIssuers(
        relativeTo directory: String,
        onFileChange: (@Sendable (KeyRefreshEvent) -> Void)? = nil,
        fetch: ((Issuer) throws(ConfigurationError) -> any KeySource)?
    ) throws(ConfigurationError) -> [TrustedIssuer] {
        var trusted: [TrustedIssuer] = []
        for issuer in issuers {
            do throws(ConfigurationError) {
                let keys = try Self.keys(of: issuer, directory, onFileChange, fetch)
                trusted.append(try TrustedIssuer(policy: issuer.policy, keys: keys, alias: issuer.alias))
            } catch {
                throw ConfigurationError("issuer \(issuer.alias): \(error.message)")
            }
        }
        return trusted
    }

    private static func keys(
        of issuer: Issuer,
        _ directory: String,
        _ onFileChange: (@Sendable (KeyRefreshEvent) -> Void)?,
        _ fetch: ((Issuer) throws(ConfigurationError) -> any KeySource)?
    ) throws(ConfigurationError) -> any KeySource {
        func place(_ path: String) -> String {
            path.hasPrefix("/") || directory.isEmpty ? path : "\(directory)/\(path)"
        }
        func read(_ path: String) throws(ConfigurationError) -> [UInt8] {
            try LocalFile.read(place(path), limit: 512 * 1024)
        }
        let allowsSecrets = issuer.policy.algorithms.contains(where: \.isSymmetric)
        switch issuer.keys {
        case .discovery, .metadataURL, .jwksURL: return if let fetch { try fetch(issuer) } else { OfflineKeys() }
        case .file(let path):
            // An offline program judges by the file as it is now; one that runs on follows its changes.
            guard fetch != nil else {
                let text = try read(path)
                do throws(ConfigurationError) {
                    return try StaticKeys(JWKSet(text, allowingSecrets: allowsSecrets))
                } catch {
                    throw ConfigurationError("\(place(path)): \(error.message)")
                }
            }
            return try KeyFile(
                path: place(path),
                allowingSecrets: allowsSecrets,
                onRefresh: onFileChange,
                alias: issuer.alias
            )
        case .keySet(let value): return try StaticKeys(JWKSet(value.text.utf8, allowingSecrets: allowsSecrets))
        case .pem(let text, let keyID, let algorithm):
            return try StaticKeys(pem: text, keyID: keyID, algorithm: algorithm)
        case .secretFile(let path, let keyID, let algorithm):
            // A text editor ends the last line; no secret does.
            let bytes = try read(path)
            let secret = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
            guard let secret = SharedSecret(secret) else { throw ConfigurationError("the secret has under 32 bytes") }
            return try StaticKeys(secret: secret, keyID: keyID, algorithm: algorithm)
        }
    }
}
