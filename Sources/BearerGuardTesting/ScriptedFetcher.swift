// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import Synchronization

/// A fetcher without a network: answers by script, counts requests, and can hold answers back.
public final class ScriptedFetcher: HTTPFetcher {
    /// What to answer to one request.
    public enum Answer: Sendable {
        /// An HTTP answer.
        case response(FetchResponse)
        /// No answer.
        case failure(FetchError)

        /// 200 with a JSON body.
        public static func json(_ text: String, fields: [String: String] = [:]) -> Answer {
            .response(FetchResponse(status: 200, fields: fields, body: Array(text.utf8)))
        }

        /// A bare status.
        public static func status(_ status: Int, fields: [String: String] = [:]) -> Answer {
            .response(FetchResponse(status: status, fields: fields))
        }
    }

    private struct State {
        var answers: [String: [Answer]] = [:]
        var requests: [FetchRequest] = []
        var isHolding = false
        var held: [CheckedContinuation<Void, Never>] = []
        var arrivals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// A fetcher whose script is empty: it fails to connect.
    public init() {}

    /// Sets the answers for `url`: used one after the other, the last one again and again.
    public func script(_ url: String, _ answers: Answer...) {
        state.withLock { $0.answers[url] = answers }
    }

    /// Every request so far.
    public var requests: [FetchRequest] { state.withLock { $0.requests } }

    /// How often `url` was asked for.
    public func count(of url: String) -> Int { requests.count { $0.url == url } }

    /// Holds all answers back until ``release()``.
    public func hold() { state.withLock { $0.isHolding = true } }

    /// Lets held answers go.
    public func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Waits until `count` requests have arrived in all.
    public func arrival(of count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.requests.count >= count { return true }
                state.arrivals.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Answers by script.
    public func fetch(_ request: FetchRequest) async throws(FetchError) -> FetchResponse {
        let (answer, arrived) = state.withLock { state in
            state.requests.append(request)
            let count = state.requests.count
            let arrived = state.arrivals.filter { $0.count <= count }
            state.arrivals.removeAll { $0.count <= count }
            var answers = state.answers[request.url] ?? []
            let answer = answers.count > 1 ? answers.removeFirst() : answers.first
            state.answers[request.url] = answers
            return (answer ?? .failure(.connection), arrived)
        }
        for arrival in arrived { arrival.continuation.resume() }
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.isHolding { state.held.append(continuation) }
                return state.isHolding
            }
            if !isHeld { continuation.resume() }
        }
        switch answer {
        case .response(let response): return response
        case .failure(let error): throw error
        }
    }
}
