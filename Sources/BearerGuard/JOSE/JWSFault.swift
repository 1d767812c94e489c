// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Why bytes are not a JWS that BearerGuard reads.
package enum JWSFault: Error, Hashable, Sendable {
    /// Over a byte limit.
    case tooLarge
    /// Not compact serialisation, not base64url, not JSON, or a header member of the wrong type.
    case malformed(String)
    /// `crit` or `b64` (RFC 7515 §4.1.11, RFC 7797).
    case criticalHeader
    /// No `alg` at all.
    case algorithmMissing
}
