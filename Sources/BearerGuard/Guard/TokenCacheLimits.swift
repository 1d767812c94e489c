// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// How many verified tokens a guard remembers, and for how long.
public struct TokenCacheLimits: Sendable, Hashable {
    /// Most tokens.
    let tokens: Int
    /// Most bytes, estimated.
    let bytes: Int
    /// Seconds after which a token is verified anew, whatever its own end.
    let life: Int64

    /// 10 000 tokens or 16 MiB, each for 300 seconds or until its own end.
    public static let standard = TokenCacheLimits(uncheckedTokens: 10_000, bytes: 16 * 1024 * 1024, life: 300)

    /// Every token is verified every time.
    public static let off = TokenCacheLimits(uncheckedTokens: 0, bytes: 0, life: 0)

    /// Limits of your own.
    ///
    /// - Parameters:
    ///   - tokens: most tokens.
    ///   - bytes: most bytes, estimated.
    ///   - life: seconds after which a token is verified anew, whatever its own end.
    /// - Throws: ``ConfigurationError`` when one is less than 1; ``off`` is a value of its own.
    public init(tokens: Int, bytes: Int = 16 * 1024 * 1024, life: Int = 300) throws(ConfigurationError) {
        guard tokens > 0, bytes > 0, life > 0 else {
            throw ConfigurationError("the limits of the token cache must be at least 1; .off is without a cache")
        }
        self.init(uncheckedTokens: tokens, bytes: bytes, life: Int64(life))
    }

    private init(uncheckedTokens tokens: Int, bytes: Int, life: Int64) {
        self.tokens = tokens
        self.bytes = bytes
        self.life = life
    }

    var isOff: Bool { tokens == 0 }
}
