// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient
import HTTPTypes
import Hummingbird
import Testing

@Suite("Exchanges of the async-http-client fetcher with a real server")
struct FetcherExchangeTests {
    private let seen = SeenRequests()

    private func routes() -> Router<BasicRequestContext> {
        let seen = seen
        let router = Router()
        router.get("/jwks") { request, _ in
            seen.note(request)
            if request.headers[.ifNoneMatch] == #""v1""# {
                return Response(status: .notModified, headers: [.eTag: #""v1""#, .cacheControl: "max-age=60"])
            }
            return Response(
                status: .ok,
                headers: [.contentType: "application/json", .eTag: #""v1""#, .cacheControl: "max-age=300"],
                body: .init(byteBuffer: ByteBuffer(string: #"{"keys":[]}"#))
            )
        }
        router.get("/moved") { request, _ in
            seen.note(request)
            return Response(status: .found, headers: [.location: "/target"])
        }
        router.get("/target") { request, _ in
            seen.note(request)
            return Response(status: .ok)
        }
        router.get("/zipped") { request, _ in
            seen.note(request)
            let headers: HTTPFields = [.contentEncoding: "gzip"]
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: Self.zipped)))
        }
        router.get("/repeated") { request, _ in
            seen.note(request)
            var headers = HTTPFields()
            headers.append(HTTPField(name: .cacheControl, value: "max-age=60"))
            headers.append(HTTPField(name: .cacheControl, value: "public"))
            return Response(status: .ok, headers: headers)
        }
        return router
    }

    /// `{"keys":[]}` as gzip wrote it.
    private static let zipped: [UInt8] = [
        0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xFF, 0xAB, 0x56, 0xCA, 0x4E, 0xAD, 0x2C, 0x56, 0xB2,
        0x8A, 0x8E, 0xAD, 0x05, 0x00, 0xEF, 0x67, 0x88, 0x2A, 0x0B, 0x00, 0x00, 0x00,
    ]

    private func fetch(
        _ path: String,
        options: AsyncHTTPClientFetcher.Options = .init(),
        entityTag: String? = nil,
        lastModified: String? = nil,
        _ check: (FetchResponse) throws -> Void
    ) async throws {
        try await LoopbackServer.serve(routes()) { address in
            try await AsyncHTTPClientFetcher.use(options) { fetcher in
                let request = FetchRequest.get(address + path, entityTag: entityTag, lastModified: lastModified)
                try check(try await fetcher.fetch(request))
            }
        }
    }

    @Test("200 comes with its body and its fields")
    func success() async throws {
        try await fetch("/jwks") { response in
            #expect(response.status == 200)
            #expect(response.body == Array(#"{"keys":[]}"#.utf8))
            #expect(response["etag"] == #""v1""#)
            #expect(response["cache-control"] == "max-age=300")
            #expect(response["content-type"] == "application/json")
        }
        #expect(seen.paths == ["/jwks"])
    }

    @Test("The entity tag at hand is sent, and 304 passes through with its fields and no body")
    func notModified() async throws {
        try await fetch("/jwks", entityTag: #""v1""#) { response in
            #expect(response.status == 304)
            #expect(response.body == [])
            #expect(response["etag"] == #""v1""#)
            #expect(response["cache-control"] == "max-age=60")
        }
        #expect(seen.heads.map { $0.headerFields[.ifNoneMatch] } == [#""v1""#])
    }

    @Test("The modification time at hand is sent")
    func lastModified() async throws {
        let time = "Wed, 21 Oct 2015 07:28:00 GMT"
        try await fetch("/jwks", lastModified: time) { response in
            #expect(response.status == 200)
        }
        #expect(seen.heads.map { $0.headerFields[.ifModifiedSince] } == [time])
        #expect(seen.heads.map { $0.headerFields[.ifNoneMatch] } == [nil])
    }

    @Test("A redirect is an answer like any other and is not followed")
    func redirect() async throws {
        try await fetch("/moved") { response in
            #expect(response.status == 302)
            #expect(response["location"] == "/target")
        }
        #expect(seen.paths == ["/moved"])
    }

    @Test("Another status is no failure of the exchange", arguments: [404, 500])
    func otherStatus(status: Int) async throws {
        let router = Router()
        router.get("/jwks") { _, _ in Response(status: HTTPResponse.Status(code: status)) }
        try await LoopbackServer.serve(router) { address in
            try await AsyncHTTPClientFetcher.use { fetcher in
                let answer = try await fetcher.fetch(.get(address + "/jwks"))
                #expect(answer.status == status)
            }
        }
    }

    @Test("A compressed body comes as it was sent, and none was asked for")
    func contentCoding() async throws {
        try await fetch("/zipped") { response in
            #expect(response.status == 200)
            #expect(response.body == Self.zipped)
            #expect(response["content-encoding"] == "gzip")
        }
        #expect(seen.heads.map { $0.headerFields[.acceptEncoding] } == [nil])
    }

    @Test("The values of a repeated field are joined")
    func repeatedField() async throws {
        try await fetch("/repeated") { response in
            #expect(response["cache-control"] == "max-age=60, public")
        }
    }

    @Test("A request names its client and what it takes, and carries the extra fields of the options")
    func requestFields() async throws {
        var options = AsyncHTTPClientFetcher.Options()
        options.extraHeaders = [("X-Api-Key", "first"), ("X-Tenant", "second")]
        try await fetch("/jwks", options: options) { response in
            #expect(response.status == 200)
        }
        let head = try #require(seen.heads.first)
        #expect(seen.heads.count == 1)
        #expect(head.method == .get)
        #expect(head.headerFields[.accept] == "application/json, application/jwk-set+json")
        #expect(head.headerFields[.userAgent] == "BearerGuard")
        #expect(head.headerFields[try #require(HTTPField.Name("X-Api-Key"))] == "first")
        #expect(head.headerFields[try #require(HTTPField.Name("X-Tenant"))] == "second")
        #expect(head.headerFields[.authorization] == nil)
    }
}
#endif
