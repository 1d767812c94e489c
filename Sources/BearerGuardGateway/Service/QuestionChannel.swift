// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// HTTP/1.1 as Hummingbird speaks it, with ``PromptAnswers`` where requests are just read and not yet translated.
struct QuestionChannel: ServerChildChannel {
    let http1: HTTP1Channel
    let idleTimeout: TimeAmount
    let questions: GatewayQuestions

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
            let handlers: [any ChannelHandler] = [
                // By reads alone: to note the end of each write would cost a promise for each.
                IdleStateHandler(readTimeout: idleTimeout),
                PromptAnswers(questions: questions, encoder: encoder),
            ]
            try pipeline.addHandlers(handlers, position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async { await http1.handle(value: value, logger: logger) }
}
#endif
