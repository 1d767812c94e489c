// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuardTesting
import HTTPTypes
import Hummingbird
import Synchronization

/// A real issuer on loopback: metadata and keys over HTTP.
struct DiscoveryServer {
    /// Where the metadata is.
    enum Layout: String, Sendable, CaseIterable {
        /// OpenID Connect Discovery.
        case openID = "/.well-known/openid-configuration"
        /// RFC 8414.
        case oauth = "/.well-known/oauth-authorization-server"
    }

    let layout: Layout
    let seen = SeenRequests()
    private let opened = Opened()

    init(_ layout: Layout) { self.layout = layout }

    /// Serves while `body` runs with the issuer, which is named after the address.
    ///
    /// - Parameter namedInMetadata: the issuer that the metadata name, given the true one.
    func serve(
        namedInMetadata: @escaping @Sendable (String) -> String = { $0 },
        _ body: (TestIssuer) async throws -> Void
    ) async throws {
        let (opened, seen) = (opened, seen)
        let router = Router()
        router.get(RouterPath(layout.rawValue)) { request, _ in
            seen.note(request)
            let issuer = try opened.issuer()
            let named = try TestIssuer(issuer: namedInMetadata(issuer.issuer), algorithms: [])
            return Self.json(named.metadata(jwksURL: issuer.issuer + "/jwks"))
        }
        router.get("/jwks") { request, _ in
            seen.note(request)
            return Self.json(try opened.issuer().keySet)
        }
        try await LoopbackServer.serve(router) { address in
            try await body(try opened.open(address))
        }
    }

    private static func json(_ text: String) -> Response {
        let headers: HTTPFields = [.contentType: "application/json", .cacheControl: "max-age=300"]
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

/// The issuer, once its address and so its name is known.
private final class Opened: Sendable {
    struct TooEarly: Error {}

    private let state = Mutex<TestIssuer?>(nil)

    func open(_ name: String) throws -> TestIssuer {
        let issuer = try TestIssuer(issuer: name)
        state.withLock { $0 = issuer }
        return issuer
    }

    func issuer() throws -> TestIssuer {
        guard let issuer = state.withLock({ $0 }) else { throw TooEarly() }
        return issuer
    }
}
#endif
