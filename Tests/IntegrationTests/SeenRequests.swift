// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import HTTPTypes
import Hummingbird
import Synchronization

/// What a loopback server was asked, in the order of asking.
final class SeenRequests: Sendable {
    private struct State {
        var heads: [HTTPRequest] = []
        var arrivals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func note(_ request: Request) {
        let arrived = state.withLock { state in
            state.heads.append(request.head)
            let count = state.heads.count
            let arrived = state.arrivals.filter { $0.count <= count }
            state.arrivals.removeAll { $0.count <= count }
            return arrived
        }
        for arrival in arrived { arrival.continuation.resume() }
    }

    var heads: [HTTPRequest] { state.withLock { $0.heads } }

    var paths: [String] { heads.compactMap(\.path) }

    /// Waits until `count` requests have arrived in all.
    func arrival(of count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.heads.count >= count { return true }
                state.arrivals.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
#endif
