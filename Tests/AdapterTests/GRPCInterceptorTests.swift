// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if GRPC
import BearerGuard
import BearerGuardGRPC
import BearerGuardTesting
import GRPCCore
import GRPCInProcessTransport
import Testing

/// Calls through grpc-swift's own client, server and transport, all in this process.
@Suite("gRPC interceptor")
struct GRPCInterceptorTests {
    private let issuer: TestIssuer
    private let requestGuard: RequestGuard

    init() throws {
        issuer = try TestIssuer()
        requestGuard = try issuer.makeGuard()
    }

    /// What the client got: the text of the answer, or code, message and trailers.
    private enum Answer: Equatable {
        case message(String)
        case error(RPCError.Code, String, challenges: [String], pushback: [String])
    }

    private func call(_ authorization: String..., access: BearerGuardInterceptor.Access) async throws -> Answer {
        try await call(authorization, by: requestGuard, access: access)
    }

    private func call(
        _ authorization: [String],
        by requestGuard: RequestGuard,
        access: BearerGuardInterceptor.Access
    ) async throws -> Answer {
        let transport = InProcessTransport()
        let interceptor = BearerGuardInterceptor(requestGuard) { _ in access }
        var metadata = Metadata()
        for value in authorization { metadata.addString(value, forKey: "authorization") }
        let request = ClientRequest(message: [UInt8]("ping".utf8), metadata: metadata)
        return try await withGRPCServer(
            transport: transport.server,
            services: [WhoAmI()],
            interceptors: [interceptor]
        ) { _ in
            try await withGRPCClient(transport: transport.client) { client in
                try await client.unary(
                    request: request,
                    descriptor: WhoAmI.method,
                    serializer: Bytes(),
                    deserializer: Bytes(),
                    options: .defaults
                ) { response in
                    switch response.accepted {
                    case .success(let contents):
                        return .message(String(decoding: try contents.message.get(), as: UTF8.self))
                    case .failure(let error):
                        return .error(
                            error.code,
                            error.message,
                            challenges: Array(error.metadata[stringValues: "www-authenticate"]),
                            pushback: Array(error.metadata[stringValues: "grpc-retry-pushback-ms"])
                        )
                    }
                }
            }
        }
    }

    @Test("A good token reaches the handler, in its answer's producer too")
    func good() async throws {
        let answer = try await call("Bearer \(issuer.token())", access: .requires(.authenticated))
        #expect(answer == .message("user-1 user-1"))
    }

    @Test("Without a token the status is UNAUTHENTICATED with the bare challenge")
    func missing() async throws {
        let answer = try await call(access: .requires(.authenticated))
        #expect(
            answer == .error(.unauthenticated, "missing_token", challenges: [#"Bearer realm="api""#], pushback: [])
        )
    }

    @Test("A token without the scope is PERMISSION_DENIED, and the trailer names the scope")
    func scope() async throws {
        let answer = try await call("Bearer \(issuer.token())", access: .requires(.scopes("orders:read")))
        guard case .error(.permissionDenied, "insufficient_scope", let challenges, []) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(challenges.count == 1 && challenges.allSatisfy { $0.contains(#"scope="orders:read""#) })
    }

    @Test("Two credentials are refused, whichever is good")
    func twice() async throws {
        let good = "Bearer \(issuer.token())"
        let answer = try await call(good, good, access: .requires(.authenticated))
        guard case .error(.unauthenticated, "multiple_tokens", _, []) = answer else {
            Issue.record("\(answer)")
            return
        }
    }

    @Test("Without keys the status is UNAVAILABLE with the pause, and no challenge")
    func unavailable() async throws {
        let keys = try RemoteKeys(jwksURL: "https://issuer.test/jwks", fetcher: ScriptedFetcher())
        let trusted = try TrustedIssuer(policy: try issuer.policy(), keys: keys)
        let answer = try await call(
            ["Bearer \(issuer.token())"],
            by: try RequestGuard(issuers: [trusted]),
            access: .requires(.authenticated)
        )
        guard case .error(.unavailable, "keys_unavailable", challenges: [], let pushback) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(pushback.count == 1 && pushback.allSatisfy { (Int($0) ?? 0) >= 1000 })
    }

    @Test("An open method looks at no token; an optional one lets nobody through as anonymous with a bad one")
    func openAndOptional() async throws {
        #expect(try await call("Bearer rubbish", access: .open) == .message("nobody nobody"))
        #expect(try await call(access: .optional()) == .message("nobody nobody"))
        let answer = try await call("Bearer \(issuer.token(with: .expired))", access: .optional())
        guard case .error(.unauthenticated, "expired", _, []) = answer else {
            Issue.record("\(answer)")
            return
        }
    }
}

/// One method that answers with the subject, as its handler and as its producer see it.
private struct WhoAmI: RegistrableRPCService {
    static let method = MethodDescriptor(fullyQualifiedService: "test.WhoAmI", method: "Ask")

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(forMethod: Self.method, deserializer: Bytes(), serializer: Bytes()) { _, _ in
            let seen = BearerGuardInterceptor.accessToken?.subject ?? "nobody"
            return StreamingServerResponse(of: [UInt8].self) { writer in
                let produced = BearerGuardInterceptor.accessToken?.subject ?? "nobody"
                try await writer.write([UInt8]("\(seen) \(produced)".utf8))
                return [:]
            }
        }
    }
}

private struct Bytes: MessageSerializer, MessageDeserializer {
    func serialize<Serialized: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Serialized { Serialized(message) }

    func deserialize<Serialized: GRPCContiguousBytes>(_ bytes: Serialized) throws -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
#endif
