// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuardGateway
import Testing

@Suite("The demo")
struct DemoTests {
    @Test(
        "It walks through the eight messages and 18 requests over real HTTP, every answer is right, and no token is shown"
    )
    func everyAnswerIsRight() async throws {
        let printed = PrintedLines()
        let isRight = try await Demo.run(staysUp: false) { printed.append($0) }
        #expect(isRight)
        let lines = printed.lines
        let messages = lines.filter { $0.hasPrefix("(") }.compactMap { Int($0.dropFirst().prefix(1)) }
        #expect(messages == [1, 2, 3, 3, 4, 5, 6, 7, 8])
        let numbers = lines.compactMap { line in Int(line.prefix(2).drop { $0 == " " }) }
        #expect(numbers == Array(1...18))
        #expect(lines.count { $0.hasPrefix("      WWW-Authenticate: Bearer realm=\"orders\"") } == 12)
        #expect(lines.filter { $0.contains("WRONG") } == [])
        #expect(lines.filter { $0.contains("eyJ") } == [])
        #expect(lines.last == "Every answer was the right one.")
    }
}
#endif
