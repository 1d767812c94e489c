// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import ArgumentParser
import BearerGuardGateway

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Watch real tokens being accepted and refused over real HTTP.",
        discussion: """
            Starts an issuer and an API on loopback, sends eighteen requests, and prints each with its answer and the reason.

            EXAMPLES
              bearerguard demo           run once; exit status 0 only if every answer was the right one
              bearerguard demo --serve   stay up, with curl lines to try
            """
    )

    @Flag(help: "Stay up after the requests and print curl lines to try.")
    var serve = false

    func run() async throws {
        let isRight = try await Demo.run(staysUp: serve) { line in try? Terminal.print(line) }
        throw ExitCode(isRight ? 0 : CommandFailure.findings)
    }
}
#endif
