// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import ArgumentParser
import BearerGuard
import BearerGuardAudit

struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what is in a token, and every check with its outcome.",
        discussion: """
            Reads the token from the argument, or from standard input for '-', which keeps it out of the shell's history.
            Without keys nothing is verified, and the answer says so.

            EXAMPLES
              bearerguard inspect - < token.txt
              bearerguard inspect "$TOKEN" --jwks keys.json
              bearerguard inspect - --policy api.yaml --json < token.txt

            EXIT STATUS
              0 every check passed, with keys
              1 a check failed, or there were no keys
              2 usage or input fault
              3 keys unavailable
            """
    )

    @Argument(help: "The token; - for standard input.")
    var token: String

    @OptionGroup
    var judging: JudgingOptions

    @Option(help: ArgumentHelp("When to judge: now, RFC 3339 or Unix seconds.", valueName: "time"))
    var at = "now"

    @Flag(help: "One JSON object for programs.")
    var json = false

    func run() async throws {
        let time = try JudgingOptions.time(at)
        let bytes = try tokenBytes()
        let given = try await judging.policy(at: .at(time))
        if let given {
            judging.warnAboutHoles()
            try finish(InspectionReport(bytes, policy: given.policy, time: time, hasKeys: true))
        } else {
            guard judging.issuer.isEmpty, judging.audience.isEmpty else {
                throw CommandFailure("--issuer and --audience need --jwks", hints: ["or describe both in a --policy"])
            }
            try finish(InspectionReport(bytes, policy: .withoutKeys(instant: .at(time)), time: time, hasKeys: false))
        }
    }

    private func finish(_ report: InspectionReport) throws {
        try Terminal.print(json ? report.json.text : report.text)
        throw ExitCode(report.status)
    }

    private func tokenBytes() throws(CommandFailure) -> [UInt8] {
        if token != "-", LocalFile.exists(token) {
            throw CommandFailure("the argument is a file, not a token", hints: ["read it by: inspect - < FILE"])
        }
        let bytes = token == "-" ? try Terminal.standardInput(limit: 1024 * 1024) : Array(token.utf8)
        var text = bytes.drop(while: \.isSpace)
        while text.last?.isSpace == true { text.removeLast() }
        guard !text.isEmpty else { throw CommandFailure("there is no token to inspect") }
        guard !text.contains(UInt8(ascii: "\n")) else {
            throw CommandFailure("these are several lines", hints: ["bearerguard audit judges many tokens"])
        }
        guard text.first != UInt8(ascii: "{") else {
            throw CommandFailure(
                "this is a JSON object, not a token",
                hints: ["bearerguard audit judges lines of a capture"]
            )
        }
        return TokenInspection.token(ofField: Array(text))
    }
}
#endif
