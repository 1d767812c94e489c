// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

extension String {
    /// What stands before, between and behind the places where `separator` is, byte by byte.
    ///
    /// The standard library's own search for texts brings its regular expressions along: 0.9 MB of a static binary.
    package func parts(around separator: String, atMost count: Int = .max) -> [String] {
        let (text, wanted) = (Array(utf8), Array(separator.utf8))
        var parts: [String] = []
        var start = 0
        var at = 0
        while !wanted.isEmpty, at + wanted.count <= text.count, parts.count + 1 < count {
            if text[at..<at + wanted.count].elementsEqual(wanted) {
                parts.append(String(decoding: text[start..<at], as: UTF8.self))
                at += wanted.count
                start = at
            } else {
                at += 1
            }
        }
        parts.append(String(decoding: text[start...], as: UTF8.self))
        return parts
    }

    /// Whether `text` is somewhere in it, byte by byte.
    package func holds(_ text: String) -> Bool { parts(around: text, atMost: 2).count > 1 }
}
