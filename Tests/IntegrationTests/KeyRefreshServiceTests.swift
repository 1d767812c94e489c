// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardHummingbird
import BearerGuardTesting
import Logging
import ServiceLifecycle
import Testing

@Suite("Keys as a service")
struct KeyRefreshServiceTests {
    @Test("It fetches before any request, refreshes in time, and ends with its group")
    func lifecycle() async throws {
        let (fetcher, clock, events) = (ScriptedFetcher(), ManualClock(), RecordedEvents())
        let issuer = try TestIssuer()
        fetcher.script("https://issuer.test/jwks", .json(issuer.keySet, fields: ["Cache-Control": "max-age=100"]))
        let keys = try RemoteKeys(
            jwksURL: "https://issuer.test/jwks",
            fetcher: fetcher,
            policy: RefreshPolicy.standard.jittered { 0 },
            clock: clock.withoutPauses,
            onRefresh: events.keyRefreshes
        )
        let group = ServiceGroup(services: [KeyRefreshService(keys)], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        await events.refreshes(count: 1)
        await clock.sleepers(count: 1)
        clock.advance(by: 80)
        await events.refreshes(count: 2)
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(fetcher.requests.count == 2)
    }
}
#endif
