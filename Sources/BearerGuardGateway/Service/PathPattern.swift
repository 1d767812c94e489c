// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
/// Which paths a rule is about: `/orders/*/items`, where `*` is one segment, or `/orders/**`, where `**` is
/// `/orders` and everything below it.
package struct PathPattern: Sendable, Hashable, CustomStringConvertible {
    enum Part: Sendable, Hashable {
        case literal(String)
        /// One segment, whatever it is, but not an empty one.
        case any
        /// Any number of segments, none included.
        case rest
    }

    let parts: [Part]
    /// The pattern as it is written.
    package let description: String

    /// Reads a pattern.
    ///
    /// - Returns: nil with a pattern that no path could match.
    package init?(_ text: String) {
        // What no rule can be asked about is no pattern either.
        guard let target = try? RequestTarget(text), target.query == nil else { return nil }
        var parts: [Part] = []
        for (index, segment) in target.segments.enumerated() {
            switch segment {
            case "**":
                guard index == target.segments.count - 1 else { return nil }
                parts.append(.rest)
            case "*": parts.append(.any)
            default:
                guard !segment.contains("*") else { return nil }
                parts.append(.literal(segment))
            }
        }
        self.parts = parts
        description = text
    }

    /// Whether a path is one of these.
    package func matches(_ target: RequestTarget) -> Bool {
        var segments = target.segments[...]
        for part in parts {
            if part == .rest { return true }
            guard let segment = segments.popFirst() else { return false }
            switch part {
            case .literal(let text): guard segment.utf8.elementsEqual(text.utf8) else { return false }
            case .any: guard !segment.isEmpty else { return false }
            case .rest: return true
            }
        }
        return segments.isEmpty
    }

    /// Whether every path of `other` is one of these.
    func covers(_ other: PathPattern) -> Bool { Self.covers(parts[...], other.parts[...]) }

    /// Whether some path is one of both.
    func overlaps(_ other: PathPattern) -> Bool { Self.overlaps(parts[...], other.parts[...]) }

    private static func covers(_ left: ArraySlice<Part>, _ right: ArraySlice<Part>) -> Bool {
        switch (left.first, right.first) {
        case (.rest, _), (nil, nil): true
        case (.any, .any): covers(left.dropFirst(), right.dropFirst())
        case (.any, .literal(let text)): !text.isEmpty && covers(left.dropFirst(), right.dropFirst())
        case (.literal(let a), .literal(let b)): a == b && covers(left.dropFirst(), right.dropFirst())
        case (_, .rest), (.literal, _), (.any, nil), (nil, _): false
        }
    }

    private static func overlaps(_ left: ArraySlice<Part>, _ right: ArraySlice<Part>) -> Bool {
        switch (left.first, right.first) {
        case (.rest, _), (_, .rest), (nil, nil): true
        case (.any, .any): overlaps(left.dropFirst(), right.dropFirst())
        case (.any, .literal(let text)), (.literal(let text), .any):
            !text.isEmpty && overlaps(left.dropFirst(), right.dropFirst())
        case (.literal(let a), .literal(let b)): a == b && overlaps(left.dropFirst(), right.dropFirst())
        case (nil, _), (_, nil): false
        }
    }
}
#endif
