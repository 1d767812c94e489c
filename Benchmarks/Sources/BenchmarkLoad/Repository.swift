// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Where the sources of this program are, so that it may be started anywhere.
package enum Repository {
    /// The folder of this package.
    package static let benchmarks = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
}
