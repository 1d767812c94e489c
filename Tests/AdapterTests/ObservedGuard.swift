// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Observability
import BearerGuard
import BearerGuardObservability
import BearerGuardTesting
import Tracing

/// A guard whose every log line and metric is kept, and an issuer whose `kid` is hostile.
struct ObservedGuard {
    let log = CapturedLog()
    let metrics = CapturedMetrics()
    let issuer: TestIssuer
    let requestGuard: RequestGuard

    init() throws {
        let issuer = try TestIssuer()
        issuer.replace(.es256, by: try SigningKey(.es256, keyID: MarkedRequest.keyID))
        let keys = try StaticKeys(try JWKSet(issuer.keySet.utf8))
        let trusted = try TrustedIssuer(policy: try issuer.policy(), keys: keys, alias: "configured")
        let observer = ObservabilityObserver(logger: log.logger, metrics: metrics, tracer: NoOpTracer())
        self.issuer = issuer
        self.requestGuard = try RequestGuard(issuers: [trusted], observer: observer)
    }

    /// Everything written or labelled so far.
    var texts: [String] { log.lines.map(\.text) + metrics.texts }
}
#endif
