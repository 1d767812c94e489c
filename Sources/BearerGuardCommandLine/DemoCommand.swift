// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import ArgumentParser
import BearerGuardAudit
import BearerGuardGateway
import Synchronization

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Watch the whole authorization code flow, and real tokens being accepted and refused.",
        discussion: """
            Starts an authorization server, a web application and an API on loopback, walks through the eight messages of the
            authorization code flow, then sends eighteen requests, and prints each with its answer and the reason.

            EXAMPLES
              bearerguard demo             run once; exit status 0 only if every answer was the right one
              bearerguard demo --serve     stay up, with curl lines to try
              bearerguard demo --browser   be the user yourself: register, sign in, consent, call, refresh, sign out
            """
    )

    @Flag(help: "Serve the web application for a browser, until Ctrl-C.")
    var browser = false

    @Flag(help: "Stay up after the requests and print curl lines to try.")
    var serve = false

    func validate() throws {
        guard !(browser && serve) else { throw ValidationError("--browser and --serve exclude each other") }
    }

    func run() async throws {
        // What cannot be shown is no reason to leave servers half-way; it is told at the end.
        let failure = Mutex<CaptureError?>(nil)
        let show: @Sendable (String) -> Void = { line in
            do throws(CaptureError) { try Terminal.print(line) } catch { failure.withLock { $0 = $0 ?? error } }
        }
        var isRight = true
        if browser {
            try await Demo.serve(print: show)
        } else {
            isRight = try await Demo.run(staysUp: serve, print: show)
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        throw ExitCode(isRight ? 0 : CommandFailure.findings)
    }
}
#endif
