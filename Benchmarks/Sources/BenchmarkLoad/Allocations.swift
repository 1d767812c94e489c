// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import CRawOpenSSL

/// What a piece of work allocates on this thread: the smallest of ten, as a runtime grows a table once.
package struct Allocations: Sendable {
    package private(set) var count = Int.max
    package private(set) var bytes = Int.max

    package init(_ work: () async throws -> Bool) async throws {
        for _ in 0..<10 {
            let before = (raw_allocations(), raw_allocated_bytes())
            try check(try await work())
            count = min(count, raw_allocations() - before.0)
            bytes = min(bytes, raw_allocated_bytes() - before.1)
        }
    }
}
