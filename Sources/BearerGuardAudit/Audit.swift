// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Judges captured tokens on all cores with flat memory, and writes verdicts in the order of the input.
public struct Audit: Sendable {
    /// One source of captured tokens.
    public struct Input: Sendable {
        /// An open file descriptor; the audit reads it and leaves closing to the caller.
        public let descriptor: Int32
        /// The name to give in verdicts; nil where there is one input only.
        public let name: String?

        /// A source of captured tokens.
        public init(descriptor: Int32, name: String?) {
            self.descriptor = descriptor
            self.name = name
        }
    }

    /// How far an audit is.
    public struct Progress: Sendable {
        /// Bytes of all inputs whose lines were judged.
        public let bytes: Int
        /// Tokens judged.
        public let tokens: Int
    }

    private let policy: AuditPolicy
    private let format: CaptureFormat?
    private let fields: CaptureFormat
    private let workers: Int

    /// Most bytes of tokens that are remembered, estimated.
    private static let memoryBytes = 256 * 1024 * 1024

    /// An audit.
    ///
    /// - Parameters:
    ///   - policy: what to judge by.
    ///   - format: how captures are written; nil to look at the first byte of each.
    ///   - fields: the members of NDJSON lines, where the format is found by looking.
    ///   - workers: batches judged at the same time; at least 1.
    public init(policy: AuditPolicy, format: CaptureFormat?, fields: CaptureFormat, workers: Int) {
        self.policy = policy
        self.format = format
        self.fields = fields
        self.workers = max(1, workers)
    }

    /// Judges all inputs.
    ///
    /// - Parameters:
    ///   - inputs: read one after the other.
    ///   - verdicts: takes lines of JSON, in order; nil for none.
    ///   - shouldStop: asked between batches and while input is waited for, beside whether the task is cancelled; batches
    ///     that were begun by then are still judged and written.
    ///   - progress: told between batches.
    /// - Returns: the numbers.
    /// - Throws: ``CaptureError`` when an input cannot be read, or what `verdicts` throws.
    public func run(
        _ inputs: [Input],
        verdicts: (([UInt8]) throws(CaptureError) -> Void)?,
        shouldStop: () -> Bool = { false },
        progress: (Progress) -> Void = { _ in }
    ) async throws(CaptureError) -> AuditSummary {
        func isStopped() -> Bool { shouldStop() || Task.isCancelled }
        let memory = JudgedTokens(bytes: Self.memoryBytes)
        let conclusions = Conclusions(knownKeys: policy.knownKeys)
        var summary = AuditSummary()
        var bytes = 0
        for input in inputs {
            var reader = CaptureReader(descriptor: input.descriptor, name: input.name)
            let start = try reader.start(unless: isStopped)
            func fault(_ message: String) -> CaptureError {
                CaptureError(message: (input.name.map { "\($0): " } ?? "") + message)
            }
            if let conversion = CaptureFormat.conversion(start) { throw fault(conversion) }
            if self.format == nil, CaptureFormat.looksLikeArray(start) {
                throw fault("a JSON array: write one object a line, for example by jq -c '.[]'")
            }
            let format = self.format ?? (CaptureFormat.looksLikeNDJSON(start) ? fields : .plainText)
            if format.fields == nil, policy.instant.given == nil, start.firstThatIsNoSpace != nil {
                throw fault("plain text has no times of capture: say when to judge by --at, such as --at now")
            }
            let before = Progress(bytes: bytes, tokens: summary.total)
            let means = AuditMeans(
                policy: policy,
                format: format.with(times: policy.instant.given == nil),
                memory: memory,
                conclusions: conclusions,
                beginning: VerdictWriter.beginning(file: input.name),
                writesVerdicts: verdicts != nil
            )
            let judged = try await run(&reader, means, verdicts, isStopped) { judged, tokens in
                progress(Progress(bytes: before.bytes + judged, tokens: before.tokens + tokens))
            }
            bytes += reader.bytesRead
            summary.add(judged)
            if reader.wasStopped {
                summary.wasInterrupted = true
                break
            }
        }
        return summary
    }

    /// A batch that was judged, and which worker did it.
    private struct Judged: Sendable {
        let index: Int
        let batch: CaptureReader.Batch
        let worker: Int
        let verdicts: [UInt8]
        let count: Int
    }

    private func run(
        _ reader: inout CaptureReader,
        _ means: AuditMeans,
        _ verdicts: (([UInt8]) throws(CaptureError) -> Void)?,
        _ isStopped: () -> Bool,
        _ progress: (Int, Int) -> Void
    ) async throws(CaptureError) -> AuditSummary {
        var source = reader
        defer { reader = source }
        let result = await withTaskGroup(of: Judged.self) { group -> Result<AuditSummary, CaptureError> in
            var crew: [(worker: AuditWorker, batches: Int)] = []
            var started = 0
            var written = 0
            var tokens = 0
            var bytesInWork = 0
            var waiting: [Int: Judged] = [:]
            do throws(CaptureError) {
                while true {
                    // The window bounds memory: batches in work plus batches that wait for an earlier one.
                    while started - written < workers * 3 {
                        // Where there is something to write soon, more is waited for by a moment only.
                        let isPatient = started == written
                        guard let batch = try source.next(unless: isStopped, isPatient: isPatient) else { break }
                        if crew.count < workers, crew.allSatisfy({ $0.batches > 0 }) {
                            crew.append((AuditWorker(means), 0))
                        }
                        let number = crew.indices.min { crew[$0].batches < crew[$1].batches } ?? 0
                        crew[number].batches += 1
                        group.addTask { [index = started, worker = crew[number].worker] in
                            let (verdicts, count) = await worker.judge(batch)
                            return Judged(index: index, batch: batch, worker: number, verdicts: verdicts, count: count)
                        }
                        started += 1
                        bytesInWork += batch.byteCount
                    }
                    guard let judged = await group.next() else { break }
                    crew[judged.worker].batches -= 1
                    waiting[judged.index] = judged
                    while let next = waiting.removeValue(forKey: written) {
                        written += 1
                        if let verdicts { try verdicts(next.verdicts) }
                        tokens += next.count
                        bytesInWork -= next.batch.byteCount
                        source.reuse(next.batch)
                    }
                    progress(source.bytesTaken - bytesInWork, tokens)
                }
            } catch {
                return .failure(error)
            }
            var summary = AuditSummary()
            for (worker, _) in crew { summary.add(await worker.summary) }
            return .success(summary)
        }
        return try result.get()
    }
}
