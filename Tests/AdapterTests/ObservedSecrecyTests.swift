// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
import BearerGuard
import BearerGuardObservability
import BearerGuardTesting
import Logging
import Testing

@Suite("Nothing of a request reaches logs and metrics")
struct ObservedSecrecyTests {
    private let observed: ObservedGuard

    init() throws {
        observed = try ObservedGuard()
    }

    @Test(
        "A decision writes one debug line, and the line names outcome, status and issuer",
        arguments: MarkedRequest.all
    )
    func oneDebugLine(request: MarkedRequest) async throws {
        _ = await observed.requestGuard.authorize(.init(authorization: request.authorization(observed.issuer)))
        #expect(observed.log.lines.count == 1)
        let line = try #require(observed.log.lines.first)
        #expect(line.level == .debug)
        #expect(line.message == "request decided")
        #expect(line.metadata["outcome"] == request.outcome)
        #expect(line.metadata["status"] == String(RejectionCode(request.outcome)?.httpStatus ?? 200))
        #expect(line.metadata["issuer"] == request.issuer)
        #expect(Set(line.metadata.keys) == ["outcome", "status", "issuer", "alg", "kid", "token", "detail"])
    }

    @Test("No claim, header text or part of a token is ever written or labelled", arguments: MarkedRequest.all)
    func nothingLeaks(request: MarkedRequest) async {
        let authorization = request.authorization(observed.issuer)
        _ = await observed.requestGuard.authorize(.init(authorization: authorization))
        let texts = observed.texts
        let tokens = authorization.compactMap { $0.split(separator: " ").last }
        let parts = tokens + tokens.flatMap { $0.split(separator: ".") }
        #expect(texts.filter { $0.contains(MarkedRequest.claimMark) } == [])
        #expect(texts.filter { text in parts.contains { text.contains($0) } } == [])
    }

    @Test("No control character and nothing beyond ASCII is ever written or labelled", arguments: MarkedRequest.all)
    func nothingSteersTheTerminal(request: MarkedRequest) async {
        _ = await observed.requestGuard.authorize(.init(authorization: request.authorization(observed.issuer)))
        #expect(observed.texts.filter { !MarkedRequest.isPrintable($0) } == [])
    }

    @Test("The kid of a token stands in the log escaped, and in no metric", arguments: MarkedRequest.all)
    func keyIDIsEscaped(request: MarkedRequest) async throws {
        _ = await observed.requestGuard.authorize(.init(authorization: request.authorization(observed.issuer)))
        let line = try #require(observed.log.lines.first)
        let suffix = request.outcome == "unknown_key" ? "!" : ""
        #expect(line.metadata["kid"] == (request.hasKeyID ? MarkedRequest.escapedKeyID + suffix : "none"))
        #expect(observed.metrics.texts.filter { $0.contains(MarkedRequest.keyMark) } == [])
    }

    @Test("A token is named by its fingerprint: 32 hexadecimal digits, the same for the same token")
    func fingerprint() async throws {
        let credentials = RequestCredentials(authorization: "Bearer \(observed.issuer.token())")
        _ = await observed.requestGuard.authorize(credentials)
        _ = await observed.requestGuard.authorize(credentials)
        _ = await observed.requestGuard.authorize(.init(authorization: "Bearer \(observed.issuer.token())"))
        let names = observed.log.lines.compactMap { $0.metadata["token"] }
        try #require(names.count == 3)
        #expect(names.filter { $0.count == 32 && $0.allSatisfy(\.isHexDigit) } == names)
        #expect(names[0] == names[1])
        #expect(names[0] != names[2])
    }

    @Test("A kid is cut, so that a request cannot fill the log")
    func longKeyIDIsCut() async throws {
        let keyID = String(repeating: "k", count: 256)
        let token = observed.issuer.token(header: ["kid": .string(keyID)])
        _ = await observed.requestGuard.authorize(.init(authorization: "Bearer \(token)"))
        let line = try #require(observed.log.lines.first)
        #expect(line.metadata["outcome"] == "unknown_key")
        #expect(line.metadata["kid"] == String(repeating: "k", count: 127) + "~")
    }
}
#endif
