// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if AsyncHTTPClient
import BearerGuard
import Synchronization

/// A token in a file that somebody else renews.
final class BearerTokenFile: Sendable {
    private struct State {
        var stamp: LocalFile.Stamp?
        var token: String?
    }

    private let path: String
    private let state = Mutex(State())

    init(path: String) { self.path = path }

    /// The token as it stands in the file now; nil where the file holds none that can be sent.
    func current() -> String? {
        let stamp = LocalFile.stamp(path)
        let known = state.withLock { $0 }
        if let token = known.token, stamp == known.stamp { return token }
        guard let bytes = try? LocalFile.read(path, limit: 64 * 1024) else { return nil }
        let token = String(decoding: bytes.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
        guard !token.isEmpty else { return nil }
        state.withLock { $0 = State(stamp: stamp, token: token) }
        return token
    }
}
#endif
