// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation

@testable import BearerGuardAudit

/// An open file with these bytes, which is gone once it is closed.
func captureFile(_ bytes: some Sequence<UInt8>) throws -> FileHandle {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("capture-\(UUID().uuidString)")
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try FileHandle(forReadingFrom: url)
}

/// What an audit without keys writes about captures of these bytes.
func audited(_ captures: [[UInt8]], workers: Int, name: (Int) -> String?) async throws -> [UInt8] {
    let audit = Audit(
        policy: .withoutKeys(instant: .at(UnixTime(seconds: 0))),
        format: nil,
        fields: .ndjson(tokenField: "token", timeField: "ts"),
        workers: workers
    )
    let files = try captures.map { try captureFile($0) }
    defer { for file in files { try? file.close() } }
    let inputs = files.enumerated().map { Audit.Input(descriptor: $1.fileDescriptor, name: name($0)) }
    var output: [UInt8] = []
    _ = try await audit.run(inputs, verdicts: { bytes throws(CaptureError) in output += bytes })
    return output
}
