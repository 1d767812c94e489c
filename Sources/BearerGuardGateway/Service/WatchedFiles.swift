// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import Synchronization

/// The files of a configuration as they were at the last reading: whoever changes one and sends SIGHUP has it read once.
package final class WatchedFiles: Sendable {
    private let paths: [String]
    private let stamps: Mutex<[LocalFile.Stamp?]>

    package init(_ paths: [String]) {
        self.paths = paths
        stamps = Mutex(paths.map(LocalFile.stamp))
    }

    /// Whether one of them is another than at the last reading, or there no more, or there again.
    package var haveChanged: Bool {
        let now = paths.map(LocalFile.stamp)
        return stamps.withLock { $0 != now }
    }

    /// Takes them as they are now for those that are read next.
    package func noteRead() {
        let now = paths.map(LocalFile.stamp)
        stamps.withLock { $0 = now }
    }
}
#endif
