// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// The exchanges of one attempt: metadata where they are not at hand, the key set, and one retry, all before one
/// deadline.
final class KeySetExchange: Sendable {
    /// Where the key set is.
    enum Location: Sendable {
        case keySet(ServiceURL)
        /// Named by metadata, which stand at the first of the addresses that has them.
        case metadata(issuer: String, at: [String])
    }

    /// Why an attempt failed, and when the issuer wants to be asked again.
    struct Failure: Error {
        let cause: KeyRefreshFailure
        var retryAfter: Duration?

        static let content = Failure(cause: .content)

        /// An answer other than 200, with its `Retry-After` in seconds (RFC 9110 §10.2.3).
        static func status(_ response: FetchResponse) -> Failure {
            let seconds = response["retry-after"].flatMap { Int64($0) }
            return Failure(cause: .status, retryAfter: seconds.map { .seconds(min(max(0, $0), 86_400)) })
        }

        var mayRetry: Bool {
            // A server that says when to come back has been heard the first time.
            (cause == .connection || cause == .timeout || cause == .status) && retryAfter == nil
        }
    }

    /// What the issuer answered.
    enum Answer {
        case set(JWKSet, text: [UInt8], life: Duration, KeySetValidators?)
        case unchanged(life: Duration)
    }

    /// Metadata at hand, kept like keys: for their life, revalidated after it, and past it while they cannot be had.
    private struct Discovered {
        var keySet: ServiceURL
        var freshUntil: Duration
        let address: String
        let validators: KeySetValidators?
    }

    private let location: Location
    private let allowsLoopbackHTTP: Bool
    private let fetcher: any HTTPFetcher
    private let policy: RefreshPolicy
    private let clock: MonotonicClock
    private let discovered = Mutex<Discovered?>(nil)

    init(
        _ location: Location,
        allowsLoopbackHTTP: Bool,
        fetcher: any HTTPFetcher,
        policy: RefreshPolicy,
        clock: MonotonicClock
    ) {
        self.location = location
        self.allowsLoopbackHTTP = allowsLoopbackHTTP
        self.fetcher = fetcher
        self.policy = policy
        self.clock = clock
    }

    /// Performs an attempt.
    func perform(_ ticket: KeyRefreshMachine.Ticket) async throws(Failure) -> Answer {
        let end = clock.uptime() + policy.deadline
        do throws(Failure) {
            return try await attempt(ticket, before: end)
        } catch {
            // What was discovered may be what is wrong by now: the next attempt asks anew.
            discovered.withLock { $0?.freshUntil = .zero }
            guard error.mayRetry, !ticket.isSearch, !Task.isCancelled, clock.uptime() + policy.retryPause < end else {
                throw error
            }
        }
        try? await clock.sleep(policy.retryPause)
        return try await attempt(ticket, before: end)
    }

    private func attempt(_ ticket: KeyRefreshMachine.Ticket, before end: Duration) async throws(Failure) -> Answer {
        let url = try await keySetURL(before: end)
        // Metadata may have moved the set since it was taken.
        let known = ticket.validators.flatMap { $0.url.isExactly(url) ? $0 : nil }
        let response = try await get(url, limit: policy.keySetBytes, known, before: end)
        let life = policy.life(of: response)
        if response.status == 304, known != nil { return .unchanged(life: life) }
        try Self.check(response)
        guard let set = try? JWKSet(response.body, origin: .fetched) else { throw .content }
        guard set.usableKeyCount > 0 else { throw Failure(cause: .noUsableKey) }
        return .set(set, text: response.body, life: life, response.validators(of: url))
    }

    private func keySetURL(before end: Duration) async throws(Failure) -> String {
        switch location {
        case .keySet(let url): return url.text
        case .metadata(let issuer, let addresses):
            let known = discovered.withLock { $0 }
            if let known, clock.uptime() < known.freshUntil { return known.keySet.text }
            do throws(Failure) {
                let found = try await discover(issuer, at: addresses, known, before: end)
                discovered.withLock { $0 = found }
                return found.keySet.text
            } catch {
                // Asked again when the address that they gave fails, or after a pause: a metadata endpoint that hangs
                // must not use up the time of every attempt.
                discovered.withLock { $0?.freshUntil = clock.uptime() + policy.backoff.upperBound }
                // Metadata that cannot be had say nothing against the address they gave before; metadata that are
                // wrong do.
                guard let known, error.cause != .content else { throw error }
                return known.keySet.text
            }
        }
    }

    private func discover(
        _ issuer: String,
        at addresses: [String],
        _ known: Discovered?,
        before end: Duration
    ) async throws(Failure) -> Discovered {
        var failure = Failure(cause: .status)
        for address in addresses {
            let isKnown = known?.address == address
            let response: FetchResponse
            do throws(Failure) {
                response = try await get(
                    address,
                    limit: policy.metadataBytes,
                    isKnown ? known?.validators : nil,
                    // Where an address is known already, half of the time is left for it.
                    before: known == nil ? end : min(end, clock.uptime() + policy.deadline / 2)
                )
            } catch {
                throw failure.cause == .content ? failure : error
            }
            let freshUntil = clock.uptime() + policy.life(of: response)
            if response.status == 304, isKnown, var known {
                known.freshUntil = freshUntil
                return known
            }
            do throws(Failure) {
                try Self.check(response)
            } catch {
                // Metadata that were refused say more than a second place that has none.
                if failure.cause == .status { failure = error }
                continue
            }
            let metadata = try? IssuerMetadata(
                response.body,
                issuer: issuer,
                allowsLoopbackHTTP: allowsLoopbackHTTP
            )
            guard let metadata else {
                failure = .content
                continue
            }
            return Discovered(
                keySet: metadata.jwksURL,
                freshUntil: freshUntil,
                address: address,
                validators: response.validators(of: address)
            )
        }
        throw failure
    }

    /// Whether the answer is what was asked for: a captive portal answers 200 with HTML, a broken proxy with gzip.
    private static func check(_ response: FetchResponse) throws(Failure) {
        guard response.status == 200 else { throw .status(response) }
        if let coding = response["content-encoding"], coding.lowercased() != "identity" { throw .content }
        guard let field = response["content-type"] else { return }
        let type = field.lowercased().prefix { $0 != ";" && $0 != " " }
        let known = ["application/json", "text/json", "text/plain", "application/octet-stream"]
        guard known.contains(String(type)) || type.hasSuffix("+json") else { throw .content }
    }

    private func get(
        _ url: String,
        limit: Int,
        _ known: KeySetValidators?,
        before end: Duration
    ) async throws(Failure) -> FetchResponse {
        let remaining = end - clock.uptime()
        guard remaining > .zero else { throw Failure(cause: .timeout) }
        let request = FetchRequest(
            url: url,
            maximumBytes: limit,
            deadline: remaining,
            entityTag: known?.entityTag,
            lastModified: known?.lastModified
        )
        do {
            return try await fetcher.fetch(request)
        } catch {
            throw Failure(cause: KeyRefreshFailure(error))
        }
    }
}

extension FetchResponse {
    fileprivate func validators(of url: String) -> KeySetValidators? {
        KeySetValidators(url: url, entityTag: self["etag"], lastModified: self["last-modified"])
    }
}
