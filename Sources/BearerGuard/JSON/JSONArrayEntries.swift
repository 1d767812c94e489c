// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Where the entries of one array stand in a text: for key sets, of which one entry may be unacceptable and the others
/// good.
package enum JSONArrayEntries {
    /// The text of each entry of the array that the outermost object has under `name`.
    ///
    /// Returns nil where the text is no JSON object even with repeated members allowed, has a repeated member of its own,
    /// or no such array.
    package static func split(_ text: [UInt8], member name: String) -> [ArraySlice<UInt8>]? {
        // jansson has the last word on whether this is JSON at all; the scan below only cuts what it accepted. It reads
        // no number beyond a double, though, which may be in the one entry that is to be passed over.
        guard JSONDocument.isWellFormed(JSONNumber.replaced(in: text)) else { return nil }
        var scanner = JSONCutter(text: text)
        return scanner.entries(ofMember: name)
    }
}

/// Steps over the parts of a text that is known to be JSON.
private struct JSONCutter {
    let text: [UInt8]
    var position = 0

    mutating func entries(ofMember wanted: String) -> [ArraySlice<UInt8>]? {
        var names: Set<[UInt8]> = []
        var found: [ArraySlice<UInt8>]?
        guard take(UInt8(ascii: "{")) else { return nil }
        while let byte = next, byte != UInt8(ascii: "}") {
            let name = Array(value())
            // A name with an escape may be another one in disguise: only plain ones are told apart here.
            guard !name.contains(UInt8(ascii: "\\")), names.insert(name).inserted, take(UInt8(ascii: ":")) else {
                return nil
            }
            if name == Array("\"\(wanted)\"".utf8) {
                found = arrayEntries()
                if found == nil { return nil }
            } else {
                _ = value()
            }
            _ = take(UInt8(ascii: ","))
        }
        return found
    }

    private mutating func arrayEntries() -> [ArraySlice<UInt8>]? {
        guard take(UInt8(ascii: "[")) else { return nil }
        var entries: [ArraySlice<UInt8>] = []
        while let byte = next, byte != UInt8(ascii: "]") {
            entries.append(value())
            _ = take(UInt8(ascii: ","))
        }
        return take(UInt8(ascii: "]")) ? entries : nil
    }

    /// The next byte that is not white space.
    private var next: UInt8? {
        mutating get {
            while position < text.count, " \t\r\n".utf8.contains(text[position]) { position += 1 }
            return position < text.count ? text[position] : nil
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    /// The text of the value that begins here.
    private mutating func value() -> ArraySlice<UInt8> {
        _ = next
        let start = position
        var depth = 0
        while position < text.count {
            switch text[position] {
            case UInt8(ascii: "\""):
                skipString()
                if depth == 0 { return text[start..<position] }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // The end of what is around a bare number or literal.
                if depth == 0 { return text[start..<position] }
                depth -= 1
                if depth == 0 {
                    position += 1
                    return text[start..<position]
                }
            case UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                if depth == 0 { return text[start..<position] }
            default: break
            }
            position += 1
        }
        return text[start...]
    }

    private mutating func skipString() {
        position += 1
        while position < text.count, text[position] != UInt8(ascii: "\"") {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(position + 1, text.count)
    }
}
