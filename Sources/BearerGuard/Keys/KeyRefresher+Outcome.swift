// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

extension KeyRefresher {
    /// What an attempt means to the machine.
    static func outcome(
        of result: Swift.Result<KeySetExchange.Answer, KeySetExchange.Failure>,
        _ generation: inout UInt64
    ) -> KeyRefreshMachine.Outcome {
        switch result {
        case .success(.set(let set, _, let life, let validators)):
            generation += 1
            return .keys(KeySnapshot(set, generation: generation), life: life, validators)
        case .success(.unchanged(let life)): return .unchanged(life: life)
        case .failure(let failure): return .failure(failure.cause, retryAfter: failure.retryAfter)
        }
    }

    /// What observers hear of it.
    func event(
        _ result: Swift.Result<KeySetExchange.Answer, KeySetExchange.Failure>,
        _ outcome: KeyRefreshMachine.Outcome,
        _ alarms: [KeyAlarm],
        _ machine: KeyRefreshMachine,
        at now: Duration
    ) -> KeyRefreshEvent {
        var snapshot: KeySnapshot?
        if case .keys(let taken, _, _) = outcome { snapshot = taken }
        var failure: KeyRefreshFailure?
        if case .failure(let cause, _) = outcome { failure = cause }
        var text: [UInt8]?
        if case .success(.set(_, let body, _, _)) = result { text = body }
        let isServingStale = if case .stale = machine.availability(at: now) { true } else { false }
        return KeyRefreshEvent(
            issuerAlias: issuerAlias,
            failure: failure,
            keyIDs: (snapshot?.keys ?? []).map { ($0.keyID ?? "").escapedForLogs },
            unusableKeys: snapshot?.faults.count ?? 0,
            isServingStale: isServingStale,
            alarms: alarms,
            failingFor: machine.failingFor(at: now),
            failuresInARow: machine.failuresInARow,
            keySet: text
        )
    }
}
