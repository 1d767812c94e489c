// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import COpenSSL

/// What stands on this thread's OpenSSL error queue.
enum OpenSSLErrors {
    /// The number of entries; reading it empties the queue.
    static var count: Int {
        var count = 0
        while ERR_get_error() != 0 { count += 1 }
        return count
    }
}
