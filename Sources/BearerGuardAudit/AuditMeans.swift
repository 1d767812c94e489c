// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// What the lines of one input are judged with: lent to whoever judges, so that no references to it are counted.
struct AuditMeans: Sendable {
    let policy: AuditPolicy
    let format: CaptureFormat
    /// Of all batches.
    let memory: JudgedTokens
    let conclusions: Conclusions
    let fingerprintKey = TokenFingerprint.Key.report
    /// How every verdict begins.
    let beginning: [UInt8]
    let writesVerdicts: Bool

    /// The same in memory of its own, as far as every line asks for it: threads that judge lines meet at no reference count.
    var copy: AuditMeans {
        AuditMeans(
            policy: policy.copy,
            format: format.copy,
            memory: memory,
            conclusions: conclusions,
            beginning: beginning.map { $0 },
            writesVerdicts: writesVerdicts
        )
    }
}
