// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardTesting
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

// What the guide AnyOtherServer shows, to the letter: a test compares.
// example begins
/// Answers the requests of one connection, each after the guard's decision; catch what it throws for each connection.
func serve(
    _ channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>,
    guardedBy requestGuard: RequestGuard
) async throws {
    try await channel.executeThenClose { inbound, outbound in
        for try await case .head(let head) in inbound {
            let credentials = RequestCredentials(authorization: head.headers["Authorization"])
            var answer = HTTPResponseHead(version: head.version, status: .ok)
            var body = ByteBuffer()
            switch await requestGuard.authorize(credentials, requiring: .scopes("orders:read")) {
            case .authorized(let token): body.writeString("orders of \(token.subject ?? "")")
            case .anonymous: answer.status = .internalServerError  // only authorizeIfPresent(_:requiring:) says so
            case .refused(let refusal):
                answer.status = HTTPResponseStatus(statusCode: refusal.httpStatus)
                for field in refusal.headerFields { answer.headers.add(name: field.name, value: field.value) }
            }
            answer.headers.add(name: "Content-Length", value: String(body.readableBytes))
            // At once: a client that has its whole answer may close before another write.
            try await outbound.write(contentsOf: [.head(answer), .body(body), .end(nil)])
        }
    }
}

/// Lets `ByteBuffer`s be written where the pipeline takes `IOData`.
final class ByteBufferBodies: ChannelOutboundHandler {
    typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: HTTPServerResponsePart =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(head)
            case .body(let bytes): .body(.byteBuffer(bytes))
            case .end(let trailers): .end(trailers)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}
// example ends

@Suite("A raw SwiftNIO server", .enabled(if: Curl.isInstalled))
struct NIOServerTests {
    @Test("The example of the guide answers as the guard decides, one connection after the other")
    func example() async throws {
        let issuer = try TestIssuer()
        let requestGuard = try issuer.makeGuard()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(ByteBufferBodies())
                    return try NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>(
                        wrappingChannelSynchronously: channel
                    )
                }
            }
        let url = "http://127.0.0.1:\(try #require(server.channel.localAddress?.port))/orders"
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.executeThenClose { connections in
                    for try await connection in connections { try? await serve(connection, guardedBy: requestGuard) }
                }
            }
            let good = issuer.token(scopes: ["orders:read"])
            let answer = try await Curl.get(url, headers: ["Authorization: Bearer \(good)"])
            #expect(answer.status == 200 && answer.body == "orders of user-1")
            let bare = try await Curl.get(url)
            #expect(bare.status == 401 && bare.values("WWW-Authenticate") == [#"Bearer realm="api""#])
            let twice = try await Curl.get(
                url,
                headers: ["Authorization: Bearer \(good)", "Authorization: Bearer \(good)"]
            )
            #expect(twice.status == 400)
            let forbidden = try await Curl.get(url, headers: ["Authorization: Bearer \(issuer.token())"])
            #expect(forbidden.status == 403)
            group.cancelAll()
        }
    }

    @Test("The guide shows the example that is tested")
    func guide() throws {
        let tests = URL(fileURLWithPath: #filePath)
        let source = try String(contentsOf: tests, encoding: .utf8)
        let example = try #require(source.components(separatedBy: "// example begins\n").dropFirst().first)
            .components(separatedBy: "// example ends")[0]
        let guide = tests.deletingLastPathComponent()
            .appendingPathComponent("../../Sources/BearerGuard/BearerGuard.docc/Guides/AnyOtherServer.md")
        #expect(try String(contentsOf: guide, encoding: .utf8).contains("```swift\n\(example)```"))
    }
}
#endif
