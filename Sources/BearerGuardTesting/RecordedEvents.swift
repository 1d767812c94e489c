// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import Synchronization

/// Keeps what a guard and its keys told, and lets a test wait for it.
public final class RecordedEvents: GuardObserver {
    private struct State {
        var events: [GuardEvent] = []
        var refreshes = 0
        var waiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// No events yet.
    public init() {}

    /// Keeps one event.
    public func observe(_ event: GuardEvent) {
        let woken = state.withLock { state in
            state.events.append(event)
            if case .keysRefreshed = event { state.refreshes += 1 }
            let count = state.refreshes
            let woken = state.waiting.filter { $0.count <= count }
            state.waiting.removeAll { $0.count <= count }
            return woken
        }
        for waiter in woken { waiter.continuation.resume() }
    }

    /// The decisions so far.
    public var decisions: [DecisionEvent] {
        state.withLock { $0.events }.compactMap { if case .decided(let decision) = $0 { decision } else { nil } }
    }

    /// The refreshes so far.
    public var refreshes: [KeyRefreshEvent] {
        state.withLock { $0.events }.compactMap { if case .keysRefreshed(let refresh) = $0 { refresh } else { nil } }
    }

    /// Waits until keys were refreshed `count` times in all, successfully or not.
    public func refreshes(count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.refreshes >= count { return true }
                state.waiting.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
