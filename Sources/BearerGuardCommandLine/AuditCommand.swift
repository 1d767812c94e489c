// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import ArgumentParser
import BearerGuard
import BearerGuardAudit

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Judge captured tokens on all cores, offline.",
        discussion: """
            Reads one token a line, or one JSON object a line; which of them is found by looking. No network is used.

            EXAMPLES
              bearerguard audit tokens.ndjson --policy api.yaml
              bearerguard audit tokens.txt --jwks keys.json --at now
              bearerguard audit day.ndjson --policy api.yaml --archive keys/
              zcat day.gz | bearerguard audit - --policy api.yaml --format ndjson

            EXIT STATUS
              0 every token is valid
              1 some are not
              2 usage, input or output fault, or lines that hold no token or no time
              3 keys unavailable
              130 interrupted; what was done by then is written
            """
    )

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case text
        case ndjson
    }

    @Argument(help: "Files of captured tokens; - or none for standard input.")
    var files: [String] = []

    @OptionGroup
    var judging: JudgingOptions

    @Option(help: ArgumentHelp("When to judge: captured, now, RFC 3339 or Unix seconds.", valueName: "time"))
    var at = "captured"

    @Option(help: ArgumentHelp("The member of a JSON line that holds the token.", valueName: "name"))
    var tokenField = "token"

    @Option(help: ArgumentHelp("The member of a JSON line that holds the time of capture.", valueName: "name"))
    var timeField = "ts"

    @Option(help: "text: a summary. ndjson: a verdict for every token, in the order of the input.")
    var format = Output.text

    @Option(help: ArgumentHelp("Where to write; standard output unless given.", valueName: "file"))
    var output: String?

    @Option(help: "How many batches to judge at the same time; the number of cores unless given.")
    var workers: Int?

    func run() async throws {
        let instant: AuditPolicy.Instant = at == "captured" ? .captured : .at(try JudgingOptions.time(at))
        guard let (policy, sources) = try await judging.policy(at: instant) else {
            throw CommandFailure(
                "nothing to judge by: give --jwks or --policy",
                hints: ["bearerguard audit tokens.txt --jwks keys.json --at now"]
            )
        }
        if let workers, !(1...1024).contains(workers) { throw CommandFailure("--workers must be 1 to 1024") }
        let inputs = try open(files.isEmpty ? ["-"] : files)
        defer { for input in inputs where input.descriptor != STDIN_FILENO { close(input.descriptor) } }
        let destination = try openOutput(besides: inputs, sources)
        defer { if destination != STDOUT_FILENO { close(destination) } }
        judging.warnAboutHoles()
        Interruption.watch()
        let audit = Audit(
            policy: policy,
            format: nil,
            fields: .ndjson(tokenField: tokenField, timeField: timeField),
            workers: workers ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        )
        let summary = try await judge(audit, inputs, destination)
        throw ExitCode(status(of: summary))
    }

    private func judge(
        _ audit: Audit,
        _ inputs: [Audit.Input],
        _ destination: Int32
    ) async throws(CommandFailure) -> AuditSummary {
        // Verdicts on a terminal tell themselves how far it is.
        let isShown = Terminal.showsProgress && !(format == .ndjson && isatty(destination) == 1)
        var meter = ProgressMeter(totalBytes: Self.size(of: inputs), isVisible: isShown)
        do throws(CaptureError) {
            let writer: (([UInt8]) throws(CaptureError) -> Void)? =
                format == .ndjson ? { bytes throws(CaptureError) in try write(bytes, to: destination) } : nil
            let summary = try await audit.run(
                inputs,
                verdicts: writer,
                shouldStop: { Interruption.hasHappened },
                progress: { meter.show($0) }
            )
            meter.clear()
            if format == .text {
                try write(Array(summary.report.utf8), to: destination)
            } else {
                Terminal.say(summary.headline)
            }
            if summary.unreadable > 0 {
                let hint = format == .ndjson ? "'note' in a verdict says why" : "--format ndjson says which and why"
                let lines = summary.unreadable == 1 ? "1 line holds" : "\(summary.unreadable) lines hold"
                Terminal.say("\(lines) no token or no time; \(hint)")
                if summary.unreadable > summary.total / 2 {
                    Terminal.say("hint: each line is to be one object, as jq -c . writes them")
                    Terminal.say("hint: --token-field and --time-field name its members")
                }
            }
            if summary.total == 0, !summary.wasInterrupted {
                Terminal.say("note: there is no token, so nothing was judged")
            }
            return summary
        } catch {
            meter.clear()
            throw CommandFailure(error.message)
        }
    }

    private func write(_ bytes: [UInt8], to destination: Int32) throws(CaptureError) {
        do throws(CaptureError) {
            try Terminal.write(bytes, to: destination)
        } catch {
            throw CaptureError(message: "\(output ?? "standard output"): \(error.message)")
        }
    }

    private func status(of summary: AuditSummary) -> Int32 {
        if summary.wasInterrupted { return 130 }
        if summary.unreadable > 0 { return CommandFailure.usage }
        if summary.withoutKeys > 0 { return CommandFailure.keysUnavailable }
        return summary.invalid > 0 ? CommandFailure.findings : 0
    }

    private func open(_ names: [String]) throws(CommandFailure) -> [Audit.Input] {
        var inputs: [Audit.Input] = []
        for name in names {
            let label = names.count > 1 ? name : nil
            if name == "-" {
                inputs.append(Audit.Input(descriptor: STDIN_FILENO, name: label))
                continue
            }
            let descriptor = unsafe Glibc.open(name, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                // What is longer than any name was meant to be a token, and is not shown.
                let shown = name.utf8.count > 255 ? "a file name of \(name.utf8.count) bytes" : name
                throw CommandFailure("\(shown): \(unsafe String(cString: strerror(errno)))")
            }
            if Self.status(descriptor)?.isDirectory == true { throw CommandFailure("\(name): is a folder") }
            inputs.append(Audit.Input(descriptor: descriptor, name: label))
        }
        return inputs
    }

    /// What was in the file before goes only once it is known to be none of the inputs.
    private func openOutput(besides inputs: [Audit.Input], _ files: [String]) throws(CommandFailure) -> Int32 {
        guard let output, output != "-" else { return STDOUT_FILENO }
        let descriptor = unsafe Glibc.open(output, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CommandFailure("\(output): \(unsafe String(cString: strerror(errno)))") }
        guard let status = Self.status(descriptor), status.isFile else { return descriptor }
        let read = inputs.map { Self.status($0.descriptor) } + files.map(Self.status(ofFile:))
        for case let other? in read {
            guard (other.st_dev, other.st_ino) != (status.st_dev, status.st_ino) else {
                close(descriptor)
                throw CommandFailure("\(output): is read as well; the output needs a file of its own")
            }
        }
        guard ftruncate(descriptor, 0) == 0 else {
            throw CommandFailure("\(output): \(unsafe String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private static func status(_ descriptor: Int32) -> stat? {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 ? status : nil
    }

    private static func status(ofFile path: String) -> stat? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status : nil
    }

    /// Bytes of all inputs, where all are files.
    private static func size(of inputs: [Audit.Input]) -> Int? {
        var total = 0
        for input in inputs {
            guard let status = status(input.descriptor), status.isFile else { return nil }
            total += Int(status.st_size)
        }
        return total
    }
}

extension stat {
    fileprivate var isFile: Bool { st_mode & S_IFMT == S_IFREG }
    fileprivate var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
}

/// Rate and remaining time on a terminal, five times a second.
private struct ProgressMeter {
    let totalBytes: Int?
    private let start = ContinuousClock.now
    private var nextAt = ContinuousClock.now
    private let isVisible: Bool

    init(totalBytes: Int?, isVisible: Bool) {
        self.totalBytes = totalBytes
        self.isVisible = isVisible
    }

    mutating func show(_ progress: Audit.Progress) {
        let now = ContinuousClock.now
        guard isVisible, now >= nextAt else { return }
        nextAt = now + .milliseconds(200)
        let seconds = Double((now - start).components.seconds) + Double((now - start).components.attoseconds) / 1e18
        guard seconds > 0.05 else { return }
        var line = "\(progress.tokens) tokens, \(Int(Double(progress.tokens) / seconds)) per second"
        if let totalBytes, progress.bytes > 0 {
            let share = min(1, Double(progress.bytes) / Double(max(1, totalBytes)))
            line += ", \(Int(share * 100)) %, \(Int(seconds / share - seconds)) s left"
        }
        Terminal.progress(line)
    }

    func clear() {
        if isVisible { Terminal.progress("") }
    }
}
#endif
