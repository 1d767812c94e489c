// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import Synchronization

/// Keys of a JWK Set in a file that somebody else may replace: a mounted secret, a synchronised folder.
///
/// The file is looked at every few seconds as requests come, and at once when a token names a key that is not known. A
/// file that cannot be read or has no usable key changes nothing: the keys before serve on.
public final class KeyFile: KeySource, LocalKeySource {
    private struct State {
        var snapshot: KeySnapshot
        var stamp: LocalFile.Stamp?
        var nextLook: Duration
        var lastFailure: KeyRefreshFailure?
        var failingSince: Duration?
        var failures = 0
    }

    private let path: String
    private let origin: JWK.Origin
    private let pause: Duration
    private let clock: MonotonicClock
    private let issuerAlias: String
    private let onRefresh: (@Sendable (KeyRefreshEvent) -> Void)?
    private let state: Mutex<State>
    /// Held from the look at the file to the end of reading it: of two looks the later one counts.
    private let looking = Mutex(())

    /// Reads the file.
    ///
    /// - Parameters:
    ///   - path: a JWK Set.
    ///   - allowingSecrets: whether its `oct` entries may be used.
    ///   - pause: time between two looks at the file.
    ///   - clock: measures the pause.
    ///   - onRefresh: hears of changes; must not block.
    ///   - alias: the issuer's name in events; the path unless given.
    /// - Throws: ``ConfigurationError`` when the file cannot be read, is no key set, or has no usable key.
    @inline(never)  // Or its code would be in the program twice.
    public init(
        path: String,
        allowingSecrets: Bool = false,
        pause: Duration = .seconds(5),
        clock: MonotonicClock = .system,
        onRefresh: (@Sendable (KeyRefreshEvent) -> Void)? = nil,
        alias: String? = nil
    ) throws(ConfigurationError) {
        self.path = path
        self.origin = allowingSecrets ? .local : .fetched
        self.pause = pause
        self.clock = clock
        self.issuerAlias = (alias ?? path).escapedForLogs
        self.onRefresh = onRefresh
        let stamp = LocalFile.stamp(path)
        let keys = try StaticKeys(JWKSet(try LocalFile.read(path, limit: Self.bytes), allowingSecrets: allowingSecrets))
        state = Mutex(State(snapshot: keys.snapshot, stamp: stamp, nextLook: clock.uptime() + pause))
    }

    private static let bytes = 512 * 1024

    /// The keys of the file as it was at the last look.
    public func current() -> KeyAvailability {
        let now = clock.uptime()
        let isDue = state.withLock { state in
            guard now >= state.nextLook else { return false }
            state.nextLook = now + pause
            return true
        }
        if isDue { look(at: now) }
        return .fresh(state.withLock { $0.snapshot }, age: .zero)
    }

    /// Looks at the file at once, unless it was faulty at the last look: then it has its pause.
    public func resolve(missing keyID: String?) async -> KeyResolution {
        if state.withLock({ $0.lastFailure == nil }) { look(at: clock.uptime()) }
        return .keys(.fresh(state.withLock { $0.snapshot }, age: .zero))
    }

    /// The state of the keys.
    public func status() -> KeySourceStatus {
        let now = clock.uptime()
        return state.withLock { state in
            KeySourceStatus(
                .fresh(state.snapshot, age: .zero),
                origin: .file,
                nextRefresh: max(.zero, state.nextLook - now),
                lastFailure: state.lastFailure,
                failingFor: state.failingSince.map { now - $0 }
            )
        }
    }

    /// Reads the file if it is another one than before; those who only want the keys at hand do not wait for that.
    private func look(at now: Duration) {
        let event = looking.withLock { _ -> KeyRefreshEvent? in
            let stamp = LocalFile.stamp(path)
            let known = state.withLock { $0 }
            guard stamp != known.stamp || known.lastFailure != nil else { return nil }
            switch read() {
            case .success(let set): return take(set, stamp)
            case .failure(let failure): return note(failure, at: now)
            }
        }
        if let event { onRefresh?(event) }
    }

    private func read() -> Result<JWKSet, KeyRefreshFailure> {
        guard let text = try? LocalFile.read(path, limit: Self.bytes) else { return .failure(.failed) }
        guard let set = try? JWKSet(text, origin: origin) else { return .failure(.content) }
        return set.usableKeyCount > 0 ? .success(set) : .failure(.noUsableKey)
    }

    private func take(_ set: JWKSet, _ stamp: LocalFile.Stamp?) -> KeyRefreshEvent {
        state.withLock { state in
            let snapshot = KeySnapshot(set, generation: state.snapshot.generation + 1)
            var alarms = KeyAlarm.alarms(of: KeySetChanges(from: state.snapshot, to: snapshot))
            if state.failures > 0 { alarms.append(KeyAlarm(.sourceRecovered)) }
            state.snapshot = snapshot
            state.stamp = stamp
            state.lastFailure = nil
            state.failingSince = nil
            state.failures = 0
            return KeyRefreshEvent(
                issuerAlias: issuerAlias,
                keyIDs: snapshot.keys.map { ($0.keyID ?? "").escapedForLogs },
                unusableKeys: snapshot.faults.count,
                alarms: alarms
            )
        }
    }

    private func note(_ failure: KeyRefreshFailure, at now: Duration) -> KeyRefreshEvent {
        state.withLock { state in
            state.lastFailure = failure
            state.failures += 1
            let since = state.failingSince ?? now
            let alarms = state.failingSince == nil ? [KeyAlarm(.sourceFailing)] : []
            state.failingSince = since
            return KeyRefreshEvent(
                issuerAlias: issuerAlias,
                failure: failure,
                alarms: alarms,
                failingFor: now - since,
                failuresInARow: state.failures
            )
        }
    }

    package var localSnapshot: KeySnapshot { state.withLock { $0.snapshot } }
}
