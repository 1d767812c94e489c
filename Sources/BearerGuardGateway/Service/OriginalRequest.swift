// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import HTTPTypes

/// The request that a client sent to the gateway, as the gateway tells of it.
package struct OriginalRequest: Sendable {
    package let method: String
    package let target: RequestTarget
    /// Nil where the client or the gateway named none.
    package let host: RequestedHost?

    package init(method: String, target: RequestTarget, host: RequestedHost? = nil) {
        self.method = method
        self.target = target
        self.host = host
    }

    /// Reads what a gateway tells; a host that is empty is none.
    init(toldMethod method: String, target: String, host: String?) throws(GatewayDialect.Misunderstanding) {
        guard HTTPRequest.Method(method) != nil, method.utf8.count <= 32 else { throw .method }
        var requested: RequestedHost?
        if let host, !host.isEmpty {
            requested = RequestedHost(host)
            guard requested != nil else { throw .host }
        }
        do throws(RequestTarget.Ambiguity) {
            self.init(method: method, target: try RequestTarget(target), host: requested)
        } catch {
            throw .target(error)
        }
    }
}

/// How a gateway tells of the original request.
package enum GatewayDialect: String, Sendable, CaseIterable {
    /// `X-Original-Method`, `X-Original-URI` and `X-Original-Host`, which the gateway's configuration sets: nginx, Apache,
    /// HAProxy.
    case original = "/authorize"
    /// `X-Forwarded-Method`, `X-Forwarded-Uri` and `X-Forwarded-Host`: Caddy, Traefik.
    case forwarded = "/forward-auth"
    /// The question has the original's method and host, and its target behind this prefix: Envoy.
    case prefix = "/envoy"

    /// Why a question cannot be understood: the gateway's configuration is wrong, or the client's request strange.
    package enum Misunderstanding: Error, Sendable, Hashable {
        case missing(String)
        case repeated(String)
        case method
        case host
        case target(RequestTarget.Ambiguity)

        /// For operators; nothing of the request is in it.
        package var detail: String {
            switch self {
            case .missing(let name): "the gateway does not send \(name)"
            case .repeated(let name): "\(name) came more than once"
            case .method: "the method is no token"
            case .host: "the host is no host"
            case .target(let ambiguity): ambiguity.rawValue
            }
        }
    }

    /// The dialect of a question, by the target it is sent to.
    package init?(target: String) {
        // As nearly all of them ask.
        if let dialect = Self(rawValue: target), dialect != .prefix {
            self = dialect
            return
        }
        if target.hasPrefix(Self.prefix.rawValue + "/") {
            self = .prefix
            return
        }
        guard let end = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        self.init(target: String(target[..<end]))
    }

    /// The original request behind a question.
    func original(_ question: some GatewayQuestion) throws(Misunderstanding) -> OriginalRequest {
        let method: String
        let target: String
        let host: String?
        switch self {
        case .original:
            method = try one("X-Original-Method", question)
            target = try one("X-Original-URI", question)
            host = try atMostOne("X-Original-Host", question)
        case .forwarded:
            method = try one("X-Forwarded-Method", question)
            target = try one("X-Forwarded-Uri", question)
            host = try atMostOne("X-Forwarded-Host", question)
        case .prefix:
            method = question.ownMethod
            target = String(question.ownTarget.dropFirst(rawValue.count))
            host = try atMostOne("Host", question)
        }
        return try OriginalRequest(toldMethod: method, target: target, host: host)
    }

    private func one(_ name: String, _ question: some GatewayQuestion) throws(Misunderstanding) -> String {
        guard let value = try atMostOne(name, question) else { throw .missing(name) }
        return value
    }

    private func atMostOne(_ name: String, _ question: some GatewayQuestion) throws(Misunderstanding) -> String? {
        let values = question.values(of: name)
        guard values.count <= 1 else { throw .repeated(name) }
        return values.first
    }
}
#endif
