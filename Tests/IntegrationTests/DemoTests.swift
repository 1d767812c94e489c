// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuardGateway
import Synchronization
import Testing

@Suite("The demo")
struct DemoTests {
    @Test("It plays 18 requests over real HTTP, every answer is the right one, and no token is shown")
    func everyAnswerIsRight() async throws {
        let printed = Printed()
        let isRight = try await Demo.run(staysUp: false) { printed.append($0) }
        #expect(isRight)
        let lines = printed.lines
        let numbers = lines.compactMap { line in Int(line.prefix(2).drop { $0 == " " }) }
        #expect(numbers == Array(1...18))
        #expect(lines.count { $0.hasPrefix("      WWW-Authenticate: Bearer realm=\"orders\"") } == 12)
        #expect(lines.filter { $0.contains("WRONG") } == [])
        #expect(lines.filter { $0.contains("eyJ") } == [])
        #expect(lines.last == "Every answer was the right one.")
    }
}

private final class Printed: Sendable {
    private let state = Mutex<[String]>([])

    var lines: [String] { state.withLock { $0 } }

    func append(_ line: String) { state.withLock { $0.append(line) } }
}
#endif
