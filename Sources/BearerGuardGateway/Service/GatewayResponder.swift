// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHTTPTypes
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// What is known of the connection that a question came by.
struct GatewayRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The address of the other end; nil for a Unix socket.
    let peer: String?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        // A connection that is gone has no address: it is no Unix socket then.
        peer =
            switch source.channel.localAddress {
            case .unixDomainSocket: nil
            default: source.channel.remoteAddress?.ipAddress ?? "gone"
            }
    }
}

/// Answers gateways, probes and Prometheus.
///
/// 2xx is answered to a question after a decision that allows it, and nowhere else.
struct GatewayResponder: HTTPResponder {
    let state: GatewayState
    let limit: Int
    private let load = Load()

    private final class Load: Sendable {
        let questions = Atomic<Int>(0)
    }

    init(state: GatewayState, limit: Int) {
        self.state = state
        self.limit = limit
    }

    func respond(to request: Request, context: GatewayRequestContext) async throws -> Response {
        let path = String((request.head.path ?? "").prefix { $0 != "?" })
        guard let dialect = GatewayDialect(path: path) else { return page(path) }
        guard state.trusts(context.peer) else {
            state.log.note(.warning, "question from an address that is not in trustedPeers")
            return Response(status: .forbidden)
        }
        guard load.questions.add(1, ordering: .relaxed).newValue <= limit else {
            load.questions.subtract(1, ordering: .relaxed)
            state.metrics.noteRefusal(.keysUnavailable)
            return Response(status: .serviceUnavailable, headers: [.retryAfter: "1"])
        }
        defer { load.questions.subtract(1, ordering: .relaxed) }
        return answer(await outcome(of: request.head, dialect))
    }

    private func outcome(of question: HTTPRequest, _ dialect: GatewayDialect) async -> GatewayPolicy.Outcome {
        let original: OriginalRequest
        do throws(GatewayDialect.Misunderstanding) {
            original = try dialect.original(question)
        } catch {
            return GatewayPolicy.refused(.invalidRequest, error.detail, rule: nil)
        }
        let credentials = RequestCredentials(question.headerFields)
        let outcome = await state.policy.decide(original, credentials)
        state.compare(original, credentials, with: outcome.answer)
        return outcome
    }

    private func answer(_ outcome: GatewayPolicy.Outcome) -> Response {
        switch outcome.answer {
        case .allowed(let identity):
            if outcome.isOpen { state.metrics.noteOpen() }
            var fields: HTTPFields = [.cacheControl: "no-store"]
            for field in identity {
                guard let name = HTTPField.Name(field.name) else { continue }
                fields[name] = field.value
            }
            return Response(status: .ok, headers: fields)
        case .refused(let refusal):
            if let detail = outcome.detail {
                state.metrics.noteRefusal(refusal.code)
                state.log.note(
                    .info,
                    "refused by the gateway",
                    [
                        ("outcome", .string(refusal.code.text)), ("status", .integer(Int64(refusal.httpStatus))),
                        ("rule", outcome.rule.map { .string($0) } ?? .null), ("detail", .string(detail)),
                    ]
                )
            }
            var fields = refusal.fields
            fields[.cacheControl] = "no-store"
            return Response(status: refusal.status, headers: fields)
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
        default: return text("gateways ask at /authorize, /forward-auth or /envoy/\n", status: .notFound)
        }
    }

    private func text(_ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain") -> Response {
        Response(
            status: status,
            headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}
#endif
