// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Why a token was refused: a code for programs and a fixed sentence for the operator, never token data.
public struct Rejection: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason.
    public let code: RejectionCode
    /// More for the operator: names of claims and members, never their values.
    public let detail: String

    package init(_ code: RejectionCode, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    /// Two rejections are equal when their codes are.
    public static func == (left: Rejection, right: Rejection) -> Bool { left.code == right.code }

    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }

    /// Code and detail.
    public var description: String { "\(code): \(detail)" }
}

extension Rejection {
    package init(_ fault: JWSFault) {
        switch fault {
        case .tooLarge: self.init(.tooLarge, "over the byte limit")
        case .malformed(let detail): self.init(.malformed, detail)
        case .criticalHeader: self.init(.criticalHeader, "crit or b64 in the header")
        case .algorithmMissing: self.init(.unsupportedAlgorithm, "no alg in the header")
        }
    }

    package init(_ error: JSONError) {
        // A number beyond every double is good grammar and a bad value.
        self.init(error == .numberOutOfRange ? .invalidClaim : .malformed, "payload: \(error.detail)")
    }

    package init(_ fault: KeyFault) {
        switch fault.kind {
        case .invalid: self.init(.invalidKey, fault.detail)
        case .weak: self.init(.weakKey, fault.detail)
        case .unfit: self.init(.algorithmMismatch, fault.detail)
        }
    }
}
