// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import Hummingbird
import Testing

@Suite("The byte limit of the async-http-client fetcher")
struct FetcherLimitTests {
    private static let limit = 1_000

    private static func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: UInt8(ascii: "x"), count: count) }

    /// `/length/n` states the length, `/chunked/n` does not; both send `n` bytes.
    private static func routes() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/length/:count") { _, context in
            let count = try context.parameters.require("count", as: Int.self)
            return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: bytes(count))))
        }
        router.get("/chunked/:count") { _, context in
            let count = try context.parameters.require("count", as: Int.self)
            let body = ResponseBody { writer in
                try await writer.write(ByteBuffer(bytes: bytes(count / 2)))
                try await writer.write(ByteBuffer(bytes: bytes(count - count / 2)))
                try await writer.finish(nil)
            }
            return Response(status: .ok, body: body)
        }
        router.get("/endless") { _, _ in
            let body = ResponseBody { writer in
                let part = ByteBuffer(bytes: bytes(65_536))
                while true {
                    try await writer.write(part)
                    await Task.yield()
                }
            }
            return Response(status: .ok, body: body)
        }
        router.get("/announced") { _, _ in
            let body = ResponseBody(contentLength: limit + 1) { writer in
                await LoopbackServer.silence()
                try await writer.finish(nil)
            }
            return Response(status: .ok, body: body)
        }
        return router
    }

    private static func withFetcher(_ body: (AsyncHTTPClientFetcher, String) async throws -> Void) async throws {
        try await LoopbackServer.serve(routes()) { address in
            try await AsyncHTTPClientFetcher.use { try await body($0, address) }
        }
    }

    @Test("A body of exactly the limit is taken", arguments: ["length", "chunked"])
    func exactlyTheLimit(kind: String) async throws {
        try await Self.withFetcher { fetcher, address in
            let request = FetchRequest.get("\(address)/\(kind)/\(Self.limit)", maximumBytes: Self.limit)
            let response = try await fetcher.fetch(request)
            #expect(response.status == 200)
            #expect(response.body == Self.bytes(Self.limit))
            #expect(response["content-length"] == (kind == "length" ? "1000" : nil))
        }
    }

    @Test("A body one byte over the limit is too large", arguments: ["length", "chunked"])
    func oneByteMore(kind: String) async throws {
        try await Self.withFetcher { fetcher, address in
            let request = FetchRequest.get("\(address)/\(kind)/\(Self.limit + 1)", maximumBytes: Self.limit)
            await #expect(throws: FetchError.tooLarge) { try await fetcher.fetch(request) }
        }
    }

    @Test("A body without an end is too large as soon as the limit is passed")
    func endless() async throws {
        try await Self.withFetcher { fetcher, address in
            let request = FetchRequest.get(address + "/endless", maximumBytes: Self.limit)
            await #expect(throws: FetchError.tooLarge) { try await fetcher.fetch(request) }
        }
    }

    @Test("A length over the limit is too large by its announcement, before a byte of the body has come")
    func announced() async throws {
        try await Self.withFetcher { fetcher, address in
            let request = FetchRequest.get(address + "/announced", maximumBytes: Self.limit)
            await #expect(throws: FetchError.tooLarge) { try await fetcher.fetch(request) }
        }
    }

    @Test("After a body that was too large the fetcher still serves")
    func nextRequest() async throws {
        try await Self.withFetcher { fetcher, address in
            let large = FetchRequest.get("\(address)/chunked/5000", maximumBytes: Self.limit)
            await #expect(throws: FetchError.tooLarge) { try await fetcher.fetch(large) }
            let small = FetchRequest.get("\(address)/chunked/10", maximumBytes: Self.limit)
            let answer = try await fetcher.fetch(small)
            #expect(answer.body.count == 10)
        }
    }
}
#endif
