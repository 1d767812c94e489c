// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import ArgumentParser
import BearerGuard
import BearerGuardAsyncHTTPClient
import BearerGuardAudit
import Synchronization

struct RecordKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record the keys that issuers publish, as long as it runs.",
        discussion: """
            Watches every issuer of the policy whose keys are fetched, as a guard would, and adds each set to the \
            archive. `bearerguard audit --archive` judges captured tokens by the keys of their own time.

            EXAMPLES
              bearerguard keys record --policy api.yaml --archive keys/
              bearerguard keys record --policy api.yaml --archive keys/ --once

            EXIT STATUS
              0 ended by Ctrl-C or SIGTERM, or --once saw every issuer
              2 usage or input fault, or the archive cannot be written
              3 --once did not reach every issuer
            """
    )

    @Option(help: ArgumentHelp("A policy document in JSON or YAML.", valueName: "file"))
    var policy: String

    @Option(help: ArgumentHelp("The folder to record to; made if it is not there.", valueName: "folder"))
    var archive: String

    @Flag(help: "Look once at each issuer and end, for a timer that calls again.")
    var once = false

    func run() async throws {
        #if AsyncHTTPClient
        let document = try PolicyFile.load(policy)
        let fetched = document.issuers.filter(\.isFetched)
        guard !fetched.isEmpty else { throw CommandFailure("\(policy): no issuer of it has keys that are fetched") }
        let keyArchive = try CommandFailure.explaining(archive) { () throws(ConfigurationError) in
            try KeyArchive(directory: archive)
        }
        let outcome = RecordingOutcome()
        var sources: [RemoteKeys] = []
        var fetchers: [AsyncHTTPClientFetcher] = []
        for issuer in fetched {
            let recorder = Recorder(issuer: issuer, archive: keyArchive, outcome: outcome)
            let (fetcher, source) = try CommandFailure.explaining(policy) { () throws(ConfigurationError) in
                let fetcher = try AsyncHTTPClientFetcher(
                    options: .init(issuer, relativeTo: PolicyFile.directory(of: policy))
                )
                return (fetcher, try issuer.remoteKeys(fetcher: fetcher, onRefresh: recorder.note))
            }
            fetchers.append(fetcher)
            sources.append(source)
        }
        let reached = await watch(sources)
        for fetcher in fetchers { await fetcher.shutdown() }
        if outcome.hasFailed { throw ExitCode(CommandFailure.usage) }
        if once, !reached { throw ExitCode(CommandFailure.keysUnavailable) }
        #else
        throw CommandFailure("this build fetches nothing", hints: ["build with --traits Gateway"])
        #endif
    }

    /// Runs until a signal comes; true where every issuer was reached.
    private func watch(_ sources: [RemoteKeys]) async -> Bool {
        Interruption.watch()
        return await withTaskGroup(of: Bool.self) { group in
            for source in sources {
                group.addTask {
                    if once { return (try? await source.warmUp()) != nil }
                    await source.run()
                    return true
                }
            }
            if !once {
                while !Interruption.hasHappened, (try? await Task.sleep(for: .milliseconds(200))) != nil {}
                group.cancelAll()
            }
            return await group.reduce(true) { $0 && $1 }
        }
    }
}

/// Whether anything could not be recorded.
private final class RecordingOutcome: Sendable {
    private let state = Mutex(false)

    var hasFailed: Bool { state.withLock { $0 } }

    func noteFailure() { state.withLock { $0 = true } }
}

/// Writes what one issuer published, and says so.
private struct Recorder: Sendable {
    let issuer: PolicyDocument.Issuer
    let archive: KeyArchive
    let outcome: RecordingOutcome

    func note(_ event: KeyRefreshEvent) {
        let now = WallClock.system.time
        if let failure = event.failure {
            if event.failuresInARow == 1 {
                Terminal.say(
                    "\(now.rfc3339) \(event.issuerAlias): cannot be reached (\(failure.rawValue)); trying again"
                )
            }
            return
        }
        do throws(ConfigurationError) {
            try archive.record(event.keySet, of: issuer.policy.issuer, at: now)
        } catch {
            outcome.noteFailure()
            Terminal.say("\(now.rfc3339) \(event.issuerAlias): not recorded: \(error.message)")
        }
        for alarm in event.alarms {
            Terminal.say(
                "\(now.rfc3339) \(event.issuerAlias): \(alarm.kind.rawValue)\(alarm.keyID.map { " \($0)" } ?? "")"
            )
        }
        if event.alarms.isEmpty, !event.keyIDs.isEmpty {
            Terminal.say("\(now.rfc3339) \(event.issuerAlias): keys \(event.keyIDs.joined(separator: ", "))")
        }
    }
}
#endif
