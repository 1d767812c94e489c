// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Something that the operator configured cannot be used or would be unsafe.
///
/// Thrown when a guard is built, never while it answers requests.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong and, where possible, what to write instead.
    public let message: String

    /// An error with a message for the operator.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
