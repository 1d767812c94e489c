// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// Members of each type, and what is wrong with them.
extension PolicyReader {
    /// Notes members that nobody reads.
    package mutating func checkNames(_ object: JSONObject, _ path: String, _ known: [String]) {
        for member in object.members where !known.containsExactly(member.name) {
            let name = member.name.escapedForLogs
            fault(
                path.isEmpty ? name : "\(path).\(name)",
                "is not known here; known are \(known.joined(separator: ", "))"
            )
        }
    }

    /// A text that is not empty.
    package mutating func text(_ object: JSONObject, _ name: String, _ path: String) -> String? {
        guard let value = object[name] else { return nil }
        if let text = value.stringValue, !text.isEmpty { return text }
        return fault(path.isEmpty ? name : "\(path).\(name)", "must be a text that is not empty")
    }

    /// A text or an array of texts, none of them empty.
    package mutating func texts(_ object: JSONObject, _ name: String, _ path: String) -> [String]? {
        guard let value = object[name] else { return nil }
        let texts = value.stringValue.map { [$0] } ?? value.stringsValue
        if let texts, !texts.isEmpty, !texts.contains("") { return texts }
        return fault(
            path.isEmpty ? name : "\(path).\(name)",
            "must be a text or an array of texts, none of them empty"
        )
    }

    /// A whole number.
    package mutating func integer(_ object: JSONObject, _ name: String, _ path: String) -> Int? {
        guard let value = object[name] else { return nil }
        if let number = value.integerValue, let exact = Int(exactly: number) { return exact }
        return fault(path.isEmpty ? name : "\(path).\(name)", "must be a whole number of seconds")
    }

    /// Notes what is wrong with the member at `path`.
    package mutating func fault(_ path: String, _ message: String) {
        faults.append((path, message))
    }

    /// Notes what is wrong with the member at `path`, which has no value then.
    package mutating func fault<Value>(_ path: String, _ message: String) -> Value? {
        faults.append((path, message))
        return nil
    }

    /// Everything that was noted, with the lines on which it stands.
    package func allFaults(_ line: (String) -> Int?) -> PolicyDocument.Faults {
        PolicyDocument.Faults(
            faults: faults.map { PolicyDocument.Fault(path: $0.path, line: line($0.path), message: $0.message) }
        )
    }
}
