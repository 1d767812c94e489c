// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// A check of your own on verified claims.
public struct ClaimCheck: Sendable {
    /// Names the check in events and reports.
    public let name: String
    let isSatisfied: @Sendable (Claims) -> Bool

    /// A check that refuses a token with `invalid_claim` where it does not hold.
    ///
    /// - Parameters:
    ///   - name: names the check for operators; fixed text, no token data.
    ///   - isSatisfied: whether the claims are acceptable. Runs on every request, so it must be quick and pure.
    public init(_ name: String, isSatisfied: @escaping @Sendable (Claims) -> Bool) {
        self.name = name
        self.isSatisfied = isSatisfied
    }
}
