// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// OpenSSL's per-thread error queue, which a host's own TLS code reads too.
enum OpenSSLErrorStack {
    /// Runs `body` and removes whatever it left on the queue; what stood there before stays.
    static func isolated<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        return try body()
    }
}
