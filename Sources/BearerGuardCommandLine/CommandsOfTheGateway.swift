// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine && !Gateway
import ArgumentParser

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Watch real tokens being accepted and refused (needs a build with --traits Gateway)."
    )

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var rest: [String] = []

    func run() throws { throw CommandFailure.needsGateway("demo") }
}

struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Answer gateways that ask (needs a build with --traits Gateway)."
    )

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var rest: [String] = []

    func run() throws { throw CommandFailure.needsGateway("serve") }
}

struct IssuerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issuer",
        abstract: "An OpenID Connect provider on loopback (needs a build with --traits Gateway)."
    )

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var rest: [String] = []

    func run() throws { throw CommandFailure.needsGateway("issuer") }
}

extension CommandFailure {
    fileprivate static func needsGateway(_ command: String) -> CommandFailure {
        CommandFailure(
            "\(command): this build listens nowhere",
            hints: ["swift run --traits Gateway bearerguard \(command)"]
        )
    }
}
#endif
