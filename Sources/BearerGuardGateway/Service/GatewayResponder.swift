// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import HTTPTypes
import Hummingbird
import NIOCore

/// What is known of the connection that a question came by.
struct GatewayRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The address of the other end; nil for a Unix socket.
    let peer: String?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = Self.peer(of: source.channel)
    }

    /// The address of the other end; nil for a Unix socket.
    static func peer(of channel: any Channel) -> String? {
        switch channel.localAddress {
        case .unixDomainSocket: nil
        // A connection that is gone has no address: it is no Unix socket then.
        default: channel.remoteAddress?.ipAddress ?? "gone"
        }
    }
}

/// Answers gateways, probes and Prometheus.
///
/// 2xx is answered to a question after a decision that allows it, and nowhere else.
struct GatewayResponder: HTTPResponder {
    let questions: GatewayQuestions

    func respond(to request: Request, context: GatewayRequestContext) async throws -> Response {
        let question = request.head
        guard let dialect = GatewayDialect(target: question.ownTarget) else {
            return page(String(question.ownTarget.prefix { $0 != "?" }))
        }
        let current = questions.state.current
        guard questions.admits(context.peer, by: current) else { return Response(status: .forbidden) }
        let answer = await questions.answer(question.credentials, by: current) {
            () throws(GatewayDialect.Misunderstanding) in try dialect.original(question)
        }
        switch answer {
        case .overloaded: return Response(status: .serviceUnavailable, headers: [.retryAfter: "1"])
        case .decided(let outcome): return Response(outcome.answer)
        }
    }

    /// What is asked by others than gateways.
    private func page(_ path: String) -> Response {
        let policy = questions.state.current.policy
        switch path {
        case "/livez": return text("ok\n")
        case "/readyz":
            return policy.requestGuard.isReady
                ? text("ok\n") : text("an issuer has no keys yet\n", status: .serviceUnavailable)
        case "/metrics":
            return text(
                questions.state.metrics.text(
                    policy.requestGuard.status(),
                    remembered: policy.requestGuard.rememberedTokens
                ),
                type: "text/plain; version=0.0.4"
            )
        case "/internal/jwks.json":
            guard let tokens = policy.internalTokens else {
                return text("the configuration has no internalToken\n", status: .notFound)
            }
            return text(tokens.keySet, type: "application/jwk-set+json", cacheControl: "max-age=60")
        default: return text("gateways ask at /authorize, /forward-auth or /envoy/\n", status: .notFound)
        }
    }

    private func text(
        _ text: String,
        status: HTTPResponse.Status = .ok,
        type: String = "text/plain",
        cacheControl: String = "no-store"
    ) -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .cacheControl: cacheControl],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}

extension Response {
    /// What a gateway is answered over HTTP; there is no body.
    fileprivate init(_ answer: GatewayPolicy.Answer) {
        let (status, told) = answer.head
        var fields = HTTPFields()
        for field in told {
            guard let name = HTTPField.Name(field.name) else { continue }
            fields.append(HTTPField(name: name, value: field.value))
        }
        self.init(status: .init(code: status), headers: fields)
    }
}

extension GatewayPolicy.Answer {
    /// Status and header fields of an answer over HTTP.
    var head: (status: Int, fields: [(name: String, value: String)]) {
        var fields =
            switch self {
            case .allowed(let identity): identity
            case .refused(let refusal): refusal.headerFields
            }
        // No claim or setting makes another value. If one did, it must not begin another field or answer.
        let isSafe = fields.allSatisfy { $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
        if !isSafe { fields = [] }
        fields.append(("Cache-Control", "no-store"))
        return (isSafe ? status : 500, fields)
    }
}
#endif
