// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import ArgumentParser
import BearerGuard
import BearerGuardAudit

@main
struct BearerGuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bearerguard",
        abstract: "Trusts bearer tokens for the right reasons.",
        discussion: """
            EXAMPLES
              bearerguard demo
              bearerguard inspect "$TOKEN" --jwks keys.json
              bearerguard keys jwks.json
              bearerguard audit tokens.ndjson --policy api.yaml
              bearerguard serve --config gateway.yaml
              bearerguard issuer

            EXIT STATUS
              0 all is well
              1 something was found
              2 usage or input fault
              3 keys unavailable
            """,
        version: "0.1.0",
        subcommands: subcommands
    )

    private static var subcommands: [any ParsableCommand.Type] {
        #if Gateway
        [
            ServeCommand.self, AuditCommand.self, InspectCommand.self, KeysCommand.self, IssuerCommand.self,
            DemoCommand.self,
        ]
        #else
        [
            AuditCommand.self, InspectCommand.self, KeysCommand.self, DemoCommand.self, ServeCommand.self,
            IssuerCommand.self,
        ]
        #endif
    }

    static func main() async {
        Terminal.holdStandardDescriptors()
        let openSSL = startOfOpenSSL()
        var failure: (any Error)?
        do {
            try await run()
        } catch {
            failure = error
        }
        // The process must not end during it.
        await openSSL?.value
        if let failure { leave(failure) }
    }

    /// What OpenSSL does at its first use takes as long as reading the command line: for a command that judges tokens or
    /// keys, both are done at the same time.
    private static func startOfOpenSSL() -> Task<Void, Never>? {
        let judging: [any ParsableCommand.Type] = [AuditCommand.self, InspectCommand.self, KeysCommand.self]
        guard let name = CommandLine.arguments.dropFirst().first,
            judging.contains(where: { $0.configuration.commandName == name })
        else { return nil }
        return Task.detached { _ = TokenFingerprint.Key.random().fingerprint(of: []) }
    }

    private static func run() async throws {
        var command = try parseAsRoot()
        if var asynchronous = command as? any AsyncParsableCommand {
            try await asynchronous.run()
        } else {
            try command.run()
        }
    }

    /// Ends the process with what is to be said of a failure, and its status.
    private static func leave(_ failure: any Error) -> Never {
        switch failure {
        case let status as ExitCode:
            exit(withError: status)
        case let failure as CommandFailure:
            Terminal.say(failure.message)
            for hint in failure.hints { Terminal.say("hint: \(hint)") }
            exit(withError: ExitCode(failure.status))
        case let error as CaptureError:
            Terminal.say("cannot write the result: \(error.message)")
            exit(withError: ExitCode(CommandFailure.usage))
        case _ where exitCode(for: failure) == .success:
            // --help and --version arrive here as errors.
            exit(withError: failure)
        default:
            Terminal.say(message(for: failure))
            Terminal.say("hint: bearerguard --help, or help for one command: bearerguard help COMMAND")
            exit(withError: ExitCode(CommandFailure.usage))
        }
    }
}
#else
@main
enum BearerGuardCommand {
    static func main() {
        print("bearerguard: built without the trait CommandLine, so it has no commands")
    }
}
#endif
