// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// What a process holds, as Linux tells it: this one, or another.
struct ProcessState {
    private let folder: String

    /// - Parameter processIdentifier: nil for this process.
    init(of processIdentifier: Int32? = nil) {
        folder = "/proc/" + (processIdentifier.map { "\($0)" } ?? "self")
    }

    /// Open descriptors.
    var descriptors: Int { ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/fd")) ?? []).count }

    /// Resident memory in bytes.
    var residentBytes: Int {
        let fields = (try? String(contentsOfFile: folder + "/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
}
#endif
