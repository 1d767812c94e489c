// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHTTPTypes
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
    private var state: GatewayState { questions.state }

    func respond(to request: Request, context: GatewayRequestContext) async throws -> Response {
        let path = String((request.head.path ?? "").prefix { $0 != "?" })
        guard let dialect = GatewayDialect(path: path) else { return page(path) }
        guard questions.admits(context.peer) else { return Response(status: .forbidden) }
        let question = request.head
        let answer = await questions.answer(RequestCredentials(question.headerFields)) {
            () throws(GatewayDialect.Misunderstanding) in try dialect.original(question)
        }
        switch answer {
        case .overloaded: return Response(status: .serviceUnavailable, headers: [.retryAfter: "1"])
        case .decided(let outcome, _):
            let head = outcome.answer.head
            return Response(status: head.status, headers: head.headerFields)
        }
    }

    /// What is asked by others than gateways.
    private func page(_ path: String) -> Response {
        switch path {
        case "/livez": return text("ok\n")
        case "/readyz":
            return state.policy.requestGuard.isReady
                ? text("ok\n") : text("an issuer has no keys yet\n", status: .serviceUnavailable)
        case "/metrics":
            let requestGuard = state.policy.requestGuard
            return text(
                state.metrics.text(requestGuard.status(), remembered: requestGuard.rememberedTokens),
                type: "text/plain; version=0.0.4"
            )
        case "/internal/jwks.json":
            guard let tokens = state.policy.internalTokens else {
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

extension GatewayPolicy.Answer {
    /// What a gateway is answered over HTTP; there is no body.
    var head: HTTPResponse {
        switch self {
        case .allowed(let identity):
            var fields: HTTPFields = [.cacheControl: "no-store"]
            for field in identity {
                guard let name = HTTPField.Name(field.name) else { continue }
                fields[name] = field.value
            }
            return HTTPResponse(status: .ok, headerFields: fields)
        case .refused(let refusal):
            var fields = refusal.fields
            fields[.cacheControl] = "no-store"
            return HTTPResponse(status: refusal.status, headerFields: fields)
        }
    }
}
#endif
