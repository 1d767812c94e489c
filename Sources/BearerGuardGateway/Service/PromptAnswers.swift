// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHTTPTypes
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Answers questions that can be decided at once on the event loop that reads them: no task is made, and no thread wakes
/// another.
///
/// Everything else goes on to the server, and until that has answered so does what comes behind it, so that answers keep
/// the order of their requests.
final class PromptAnswers: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let questions: GatewayQuestions
    /// Requests that the server has not answered yet.
    private var forwarded = 0
    /// Whether the rest of the request at hand belongs to one that is answered.
    private var isAnswered = false
    private var date = HTTPDate()
    /// The other end, once it was looked at; it stays the same.
    private var peer: String??

    init(questions: GatewayQuestions) { self.questions = questions }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            guard let answer = answer(request, context) else {
                forwarded += 1
                isAnswered = false
                return context.fireChannelRead(data)
            }
            isAnswered = true
            context.write(wrapOutboundOut(.head(answer)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .body, .end: if !isAnswered { context.fireChannelRead(data) }
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { forwarded -= 1 }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Also for who sends the head of a request byte by byte: only whole parts of one end an idle time.
        if event is IdleStateHandler.IdleStateEvent {
            if forwarded == 0 { context.close(promise: nil) }
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func peer(_ context: ChannelHandlerContext) -> String? {
        let known = peer ?? GatewayRequestContext.peer(of: context.channel)
        peer = .some(known)
        return known
    }

    private func answer(_ request: HTTPRequest, _ context: ChannelHandlerContext) -> HTTPResponse? {
        // What has a say about the connection is for the server.
        guard forwarded == 0, !request.headerFields.contains(.connection), !request.headerFields.contains(.expect),
            let dialect = GatewayDialect(path: String((request.path ?? "").prefix { $0 != "?" })),
            // Who may not ask is told so, and logged, by the server.
            questions.state.trusts(peer(context))
        else { return nil }
        let outcome = questions.outcomeAtHand(RequestCredentials(request.headerFields)) {
            () throws(GatewayDialect.Misunderstanding) in try dialect.original(request)
        }
        guard var head = outcome?.answer.head else { return nil }
        head.headerFields[.contentLength] = "0"
        head.headerFields[.date] = date.text(at: WallClock.system.time)
        return head
    }
}

/// The date of answers (RFC 9110 §6.6.1), made once a second.
private struct HTTPDate {
    private var second = Int64.min
    private var text = ""

    mutating func text(at time: UnixTime) -> String {
        if time.seconds != second {
            second = time.seconds
            text = Self.text(time)
        }
        return text
    }

    private static func text(_ time: UnixTime) -> String {
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
