// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A request to a local authorization server and what it was answered.
package struct AuthorizationServerExchange: Sendable {
    package let request: AuthorizationServerRequest
    package let endpoint: LocalAuthorizationServer.Endpoint?
    package let response: AuthorizationServerResponse
}

struct LocalRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Brings requests to the engine, or does what a script says instead.
final class LocalResponder: HTTPResponder {
    private struct State {
        var engine: AuthorizationServerEngine?
        /// Nil in a script stands for the engine's own answer.
        var scripts: [LocalAuthorizationServer.Endpoint: [FaultServer.Answer?]] = [:]
        var counts: [LocalAuthorizationServer.Endpoint: Int] = [:]
    }

    private static let maximumBodyBytes = 64 * 1024

    private let state = Mutex(State())
    private let onExchange: @Sendable (AuthorizationServerExchange) -> Void

    init(onExchange: @escaping @Sendable (AuthorizationServerExchange) -> Void) { self.onExchange = onExchange }

    var engine: AuthorizationServerEngine? { state.withLock { $0.engine } }

    func serve(_ engine: AuthorizationServerEngine) { state.withLock { $0.engine = engine } }

    func script(_ endpoint: LocalAuthorizationServer.Endpoint, _ answers: [FaultServer.Answer?]) {
        state.withLock { $0.scripts[endpoint] = answers }
    }

    func count(of endpoint: LocalAuthorizationServer.Endpoint) -> Int {
        state.withLock { $0.counts[endpoint] ?? 0 }
    }

    func respond(to request: Request, context: LocalRequestContext) async throws -> Response {
        guard let engine else { return Response(status: .serviceUnavailable) }
        let bytes: ByteBuffer
        do {
            bytes = try await request.body.collect(upTo: Self.maximumBodyBytes)
        } catch is NIOTooManyBytesError {
            return Response(status: .contentTooLarge, headers: [.connection: "close"])
        }
        var fields = request.headers.map { ($0.name.rawName, $0.value) }
        if let authority = request.head.authority { fields.append(("Host", authority)) }
        let asked = AuthorizationServerRequest(
            request.method.rawValue,
            request.head.path ?? "",
            fields: fields,
            body: Array(buffer: bytes)
        )
        guard engine.isAddressed(by: asked) else { return Self.response(engine.respond(to: asked)) }
        if Administration.isAbout(asked) {
            return Self.response(Administration(engine: engine, script: script, count: count).respond(to: asked))
        }
        let endpoint = engine.endpoint(at: asked.path)
        if let answer = endpoint.flatMap(scripted) {
            return try await perform(answer, context.channel)
        }
        let answer = engine.respond(to: asked)
        onExchange(AuthorizationServerExchange(request: asked, endpoint: endpoint, response: answer))
        let response = Self.response(answer)
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// What the script says to this request; nil for the engine's own answer.
    private func scripted(_ endpoint: LocalAuthorizationServer.Endpoint) -> FaultServer.Answer? {
        state.withLock { state in
            state.counts[endpoint, default: 0] += 1
            guard let answers = state.scripts[endpoint], let answer = answers.first else { return nil }
            if answers.count > 1 { state.scripts[endpoint]?.removeFirst() }
            return answer
        }
    }

    private static func response(_ answer: AuthorizationServerResponse) -> Response {
        Response(
            status: .init(code: answer.status),
            headers: fields(answer.fields),
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }

    private static func fields(_ fields: [(name: String, value: String)]) -> HTTPFields {
        var headers = HTTPFields()
        for field in fields {
            if let name = HTTPField.Name(field.name) { headers.append(HTTPField(name: name, value: field.value)) }
        }
        return headers
    }
}

/// What a provider does on its bad days.
extension LocalResponder {
    private func perform(_ answer: FaultServer.Answer, _ channel: any Channel) async throws -> Response {
        switch answer {
        case .respond(let response):
            return Response(
                status: .init(code: response.status),
                headers: Self.fields(response.allFields),
                body: .init(byteBuffer: ByteBuffer(bytes: response.body))
            )
        case .reset:
            let reset = linger(l_onoff: 1, l_linger: 0)
            try await (channel as? any SocketOptionProvider)?.setSoLinger(reset).get()
            try await channel.close().get()
            return Response(status: .ok)
        case .hang:
            try await withTaskCancellationHandler {
                try await channel.closeFuture.get()
            } onCancel: {
                channel.close(promise: nil)
            }
            return Response(status: .ok)
        case .drip(let response, let milliseconds):
            return Self.sending(response, FaultyBody(chunks: response.body.map { [$0] }, pause: milliseconds))
        case .truncate(let response):
            let half = Array(response.body.prefix(response.body.count / 2))
            return Self.sending(response, FaultyBody(chunks: [half], closing: channel))
        case .misstate(let response, let difference):
            return Self.sending(response, FaultyBody(chunks: [response.body], closing: channel), off: difference)
        case .oversize(let bytes):
            return Response(
                status: .ok,
                body: .init(byteBuffer: ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes))
            )
        }
    }

    private static func sending(_ response: FetchResponse, _ body: FaultyBody, off difference: Int = 0) -> Response {
        var headers = fields(response.allFields)
        headers[.contentLength] = String(max(0, response.body.count + difference))
        return Response(status: .init(code: response.status), headers: headers, body: .init(asyncSequence: body))
    }
}

/// A body that comes slowly, or ends with its connection.
private struct FaultyBody: AsyncSequence, Sendable {
    let chunks: [[UInt8]]
    /// Milliseconds after each.
    var pause: Int32 = 0
    var closing: (any Channel)?

    struct AsyncIterator: AsyncIteratorProtocol {
        var rest: ArraySlice<[UInt8]>
        let pause: Int32
        let closing: (any Channel)?
        var isFirst = true

        mutating func next() async throws -> ByteBuffer? {
            if !isFirst, pause > 0 { try await Task.sleep(for: .milliseconds(Int(pause))) }
            isFirst = false
            guard let chunk = rest.popFirst() else {
                closing?.close(promise: nil)
                return nil
            }
            return ByteBuffer(bytes: chunk)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: chunks[...], pause: pause, closing: closing) }
}
#endif
