// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard

/// One configuration with what was made of it; each decision is made by one.
package final class ConfigurationInForce: Sendable {
    package let document: GatewayDocument
    package let policy: GatewayPolicy
    /// Decides beside the policy, without effect.
    let shadow: GatewayPolicy?
    /// Whose keys are needed.
    let issuers: [PolicyDocument.Issuer]

    init(
        _ document: GatewayDocument,
        _ policy: GatewayPolicy,
        shadow: (document: GatewayDocument, policy: GatewayPolicy)?
    ) {
        self.document = document
        self.policy = policy
        self.shadow = shadow?.policy
        issuers = document.policy.issuers + (shadow?.document.policy.issuers ?? [])
    }

    /// Whether an address may ask; nil is the other end of a Unix socket, whose file says who may.
    package func trusts(_ address: String?) -> Bool {
        guard let address else { return true }
        return document.trustedPeers.contains { $0.contains(address) }
    }
}
#endif
