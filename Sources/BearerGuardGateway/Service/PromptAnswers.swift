// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import NIOCore
import NIOHTTP1

/// Answers questions that can be decided at once on the event loop that reads them: no task is made, no thread wakes
/// another, and nothing is translated to the types of the server.
///
/// Everything else goes on to the server, and until that has answered so does what comes behind it, so that answers keep
/// the order of their requests.
final class PromptAnswers: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let questions: GatewayQuestions
    /// Where bytes are written: in front of what writes the answers of the server.
    private let encoder: ChannelHandlerContext
    /// Requests that the server has not answered yet.
    private var forwarded = 0
    /// What is answered when the request at hand has come whole: before, who waits for an answer would have it, and the
    /// rest of the request would pass for the next.
    private var pending: ByteBuffer?
    /// Whether the server has got something in this read.
    private var hasForwarded = false
    private var end = AnswerEnd()
    /// The other end, once it was looked at; it stays the same.
    private var peer: String??
    /// The addresses that it was found among.
    private var trusted: [AddressRange]?

    /// Answers for who asks by a connection.
    ///
    /// - Parameter encoder: the place of the `HTTPResponseEncoder` of that connection.
    init(questions: GatewayQuestions, encoder: ChannelHandlerContext) {
        self.questions = questions
        self.encoder = encoder
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let question):
            pending = answer(question, context)
            if pending == nil {
                forwarded += 1
                pass(data, context)
            }
        case .body: if pending == nil { pass(data, context) }
        case .end:
            guard let answer = pending else { return pass(data, context) }
            pending = nil
            encoder.writeAndFlush(NIOAny(answer), promise: nil)
        }
    }

    private func pass(_ data: NIOAny, _ context: ChannelHandlerContext) {
        hasForwarded = true
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasForwarded else { return }
        hasForwarded = false
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // What was no request is answered, too, without having been forwarded.
        if case .end = unwrapOutboundIn(data), forwarded > 0 { forwarded -= 1 }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Also for who sends a head byte by byte, as only whole heads end an idle time, and for who reads no answers.
        if event is IdleStateHandler.IdleStateEvent {
            if forwarded == 0 || !context.channel.isWritable { context.close(promise: nil) }
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func isTrusted(by current: ConfigurationInForce, _ context: ChannelHandlerContext) -> Bool {
        // Equal at a glance as long as no other configuration came.
        if trusted == current.document.trustedPeers { return true }
        let known = peer ?? GatewayRequestContext.peer(of: context.channel)
        peer = .some(known)
        trusted = current.trusts(known) ? current.document.trustedPeers : nil
        return trusted != nil
    }

    private func answer(_ question: HTTPRequestHead, _ context: ChannelHandlerContext) -> ByteBuffer? {
        // What has a say about the connection is for the server, as is who does not read his answers.
        guard forwarded == 0, context.channel.isWritable, question.version == .http1_1,
            !question.headers.contains(name: "Connection"),
            !question.headers.contains(name: "Expect"),
            let dialect = GatewayDialect(target: question.uri)
        else { return nil }
        let current = questions.state.current
        // Who may not ask is told so, and logged, by the server.
        guard isTrusted(by: current, context) else { return nil }
        let outcome = questions.outcomeAtHand(question.credentials, by: current) {
            () throws(GatewayDialect.Misunderstanding) in try dialect.original(question)
        }
        return outcome.map { text(of: $0.answer, context) }
    }

    /// An answer as it is sent (RFC 9112 §4).
    private func text(of answer: GatewayPolicy.Answer, _ context: ChannelHandlerContext) -> ByteBuffer {
        let (status, fields) = answer.head
        var text = status == 200 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 \(HTTPResponseStatus(statusCode: status))\r\n"
        text.reserveCapacity(512)
        for field in fields {
            text += field.name
            text += ": "
            text += field.value
            text += "\r\n"
        }
        text += end.text(at: WallClock.system.time)
        return context.channel.allocator.buffer(string: text)
    }
}

/// What every answer ends with, made once a second: it has no body, and a date (RFC 9110 §6.6.1).
private struct AnswerEnd {
    private var second = Int64.min
    private var text = ""

    mutating func text(at time: UnixTime) -> String {
        if time.seconds != second {
            second = time.seconds
            text = "Content-Length: 0\r\nDate: \(Self.date(time))\r\n\r\n"
        }
        return text
    }

    private static func date(_ time: UnixTime) -> String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // 1970 began on a Thursday; no clock stands before.
        let parts = time.rfc3339.split { "-T Z".contains($0) }
        guard parts.count == 4, let month = Int(parts[1]), months.indices.contains(month - 1) else { return "" }
        let day = days[Int(max(0, time.seconds) / 86_400 % 7)]
        return "\(day), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}
#endif
