// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Fetches key sets and issuer metadata.
///
/// BearerGuard itself opens no socket: an adapter or you do.
public protocol HTTPFetcher: Sendable {
    /// Performs one GET.
    ///
    /// An implementation follows no redirect, decodes no content coding, counts body bytes while they stream in, and
    /// gives up when the whole exchange takes longer than the deadline.
    ///
    /// - Throws: ``FetchError`` for every failure that is not an HTTP status.
    func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse
}

/// One GET for a key set or for metadata.
public struct FetchRequest: Sendable, Hashable {
    /// An absolute URL from configuration or from the issuer's own metadata, never from a token.
    public let url: String
    /// Most bytes of the body.
    public let maximumBytes: Int
    /// Time for the whole exchange, from resolving the name to the last byte.
    public let deadline: Duration
    /// `ETag` of the answer at hand, to be sent as `If-None-Match`.
    public let entityTag: String?
    /// `Last-Modified` of the answer at hand, to be sent as `If-Modified-Since`.
    public let lastModified: String?

    /// A request, for fetchers under test.
    ///
    /// - Parameters:
    ///   - url: an absolute URL.
    ///   - maximumBytes: most bytes of the body.
    ///   - deadline: time for the whole exchange.
    ///   - entityTag: `ETag` of the answer at hand.
    ///   - lastModified: `Last-Modified` of the answer at hand.
    public init(
        url: String,
        maximumBytes: Int,
        deadline: Duration,
        entityTag: String? = nil,
        lastModified: String? = nil
    ) {
        self.url = url
        self.maximumBytes = maximumBytes
        self.deadline = deadline
        self.entityTag = entityTag
        self.lastModified = lastModified
    }
}

/// The answer to a ``FetchRequest``.
public struct FetchResponse: Sendable, Hashable {
    /// The HTTP status code.
    public let status: Int
    /// The body as it came.
    public let body: [UInt8]
    private let fields: [String: String]

    /// An answer.
    ///
    /// - Parameters:
    ///   - status: the HTTP status code.
    ///   - fields: header fields; names in any case, and of a repeated one the values joined with `, `.
    ///   - body: the body as it came.
    public init(status: Int, fields: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.body = body
        self.fields = Dictionary(
            fields.map { ($0.key.lowercased(), $0.value) },
            uniquingKeysWith: { "\($0), \($1)" }
        )
    }

    /// Every header field, its name in lower case.
    package var allFields: [(name: String, value: String)] {
        fields.keys.sorted().map { ($0, fields[$0] ?? "") }
    }

    /// A header field by its name in lower case.
    public subscript(name: String) -> String? { fields[name] }
}

/// Why an exchange failed, as a class of causes: nothing of the URL, the answer or the host's message.
public enum FetchError: String, Error, Sendable, Hashable, CaseIterable {
    /// The name was not found, nothing answered, or the connection ended before the answer did.
    case connection
    /// The name led to an address that keys are never fetched from: link-local, or a cloud's metadata service.
    case forbiddenAddress
    /// No trusted certificate for the host, or no common TLS version.
    case tls
    /// Longer than the deadline.
    case timeout
    /// More bytes than allowed.
    case tooLarge
    /// Anything else.
    case failed
}
