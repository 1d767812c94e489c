// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Judges batches of one input, one after the other.
///
/// What it judges with, and what it found before, is in memory of its own: threads that judge lines meet at no reference count.
actor AuditWorker {
    private let means: AuditMeans
    private var judge = BatchJudge()

    init(_ means: AuditMeans) { self.means = means.copy }

    /// The verdicts on the lines of a batch, as lines of JSON, and how many lines were judged.
    func judge(_ batch: CaptureReader.Batch) -> (verdicts: [UInt8], count: Int) { judge.judge(batch, by: means) }

    /// What came of all batches.
    var summary: AuditSummary { judge.summary }
}
