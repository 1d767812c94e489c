// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import Hummingbird
import Testing

@Suite("Failures of the async-http-client fetcher")
struct FetcherFailureTests {
    private let seen = SeenRequests()

    /// `/silent` never answers; `/dripping` begins an answer and never ends it.
    private func routes() -> Router<BasicRequestContext> {
        let seen = seen
        let router = Router()
        router.get("/silent") { request, _ in
            seen.note(request)
            await LoopbackServer.silence()
            return Response(status: .ok)
        }
        router.get("/dripping") { request, _ in
            seen.note(request)
            let body = ResponseBody { writer in
                try await writer.write(ByteBuffer(string: "{"))
                await LoopbackServer.silence()
                try await writer.finish(nil)
            }
            return Response(status: .ok, body: body)
        }
        router.get("/ready") { _, _ in "ready" }
        return router
    }

    @Test("A refused connection is a failure to connect")
    func refusedConnection() async throws {
        try await AsyncHTTPClientFetcher.use { fetcher in
            // Nobody listens on port 1 of loopback.
            await #expect(throws: FetchError.connection) { try await fetcher.fetch(.get("http://127.0.0.1:1/jwks")) }
        }
    }

    @Test("A name that does not exist is a failure to connect")
    func unknownName() async throws {
        try await AsyncHTTPClientFetcher.use { fetcher in
            // RFC 6761 §6.4: `invalid` resolves nowhere.
            await #expect(throws: FetchError.connection) { try await fetcher.fetch(.get("http://issuer.invalid/jwks")) }
        }
    }

    @Test("A server that accepts and never answers ends in a timeout")
    func silentServer() async throws {
        try await LoopbackServer.serve(routes()) { address in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let request = FetchRequest.get(address + "/silent", deadline: .milliseconds(200))
                await #expect(throws: FetchError.timeout) { try await fetcher.fetch(request) }
            }
        }
    }

    @Test("A body that never ends in a timeout too: the deadline is for the whole exchange")
    func drippingServer() async throws {
        try await LoopbackServer.serve(routes()) { address in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let request = FetchRequest.get(address + "/dripping", deadline: .milliseconds(200))
                await #expect(throws: FetchError.timeout) { try await fetcher.fetch(request) }
            }
        }
    }

    @Test("After a timeout the fetcher still serves")
    func nextRequest() async throws {
        try await LoopbackServer.serve(routes()) { address in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let slow = FetchRequest.get(address + "/silent", deadline: .milliseconds(200))
                await #expect(throws: FetchError.timeout) { try await fetcher.fetch(slow) }
                let answer = try await fetcher.fetch(.get(address + "/ready"))
                #expect(answer.body == Array("ready".utf8))
            }
        }
    }

    @Test("A cancelled fetch ends although the server never answers")
    func cancellation() async throws {
        try await LoopbackServer.serve(routes()) { address in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let request = FetchRequest.get(address + "/silent")
                let task = Task { try await fetcher.fetch(request) }
                await seen.arrival(of: 1)
                task.cancel()
                await #expect(throws: FetchError.failed) { try await task.value }
            }
        }
    }

    @Test("A URL that is none fails", arguments: ["", "jwks", "ftp://127.0.0.1/jwks", "http://"])
    func uselessURL(url: String) async throws {
        try await AsyncHTTPClientFetcher.use { fetcher in
            await #expect(throws: FetchError.failed) { try await fetcher.fetch(.get(url)) }
        }
    }

    @Test("After shutdown fetching fails")
    func shutDown() async throws {
        try await LoopbackServer.serve(routes()) { address in
            let fetcher = try AsyncHTTPClientFetcher()
            #expect(try await fetcher.fetch(.get(address + "/ready")).status == 200)
            await fetcher.shutdown()
            await #expect(throws: FetchError.failed) { try await fetcher.fetch(.get(address + "/ready")) }
        }
    }
}
#endif
