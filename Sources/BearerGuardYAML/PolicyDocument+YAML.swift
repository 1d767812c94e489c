// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if YAML
public import BearerGuard
import Yams

extension PolicyDocument {
    /// Reads a document in YAML, of which JSON is a part.
    ///
    /// - Throws: ``PolicyDocument/Faults`` with everything that is wrong, each with its line.
    public init(yaml text: String) throws(Faults) {
        let document = try YAMLDocument(text)
        try self.init(document.value) { document.line(of: $0) }
    }
}

/// A text in YAML as a value, with the lines on which its members stand.
package struct YAMLDocument: Sendable {
    /// The whole document.
    package let value: JSONValue
    private let lines: [String: Int]

    /// Reads a text.
    ///
    /// - Throws: what is wrong with it.
    package init(_ text: String) throws(PolicyDocument.Faults) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.faults(error)
        } catch {
            throw PolicyDocument.Faults("the document is not YAML")
        }
        guard let root else { throw PolicyDocument.Faults("the document is empty") }
        var reader = YAMLReader()
        guard let value = reader.value(root, path: "", depth: 0) else {
            throw PolicyDocument.Faults("the document is too deep or too large")
        }
        self.value = value
        lines = reader.lines
    }

    /// The line of the value at `path`, or of the nearest value around it.
    package func line(of path: String) -> Int? {
        var path = Substring(path)
        while lines[String(path)] == nil, let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) {
            path = path[..<end]
        }
        return lines[String(path)]
    }

    private static func faults(_ error: YamlError) -> PolicyDocument.Faults {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            PolicyDocument.Faults("not YAML: \(problem)", line: mark.line)
        case .duplicatedKeysInMapping(_, let context):
            PolicyDocument.Faults("a member occurs twice in one mapping", line: context.mark.line)
        default: PolicyDocument.Faults("the document is not YAML")
        }
    }
}

/// Turns YAML nodes into JSON values, remembering lines.
///
/// Bounded, because aliases can unfold without end.
private struct YAMLReader {
    var lines: [String: Int] = [:]
    private var nodes = 0

    mutating func value(_ node: Node, path: String, depth: Int) -> JSONValue? {
        nodes += 1
        guard depth < 32, nodes < 100_000 else { return nil }
        if let mark = node.mark { lines[path] = mark.line }
        switch node {
        case .scalar(let scalar): return Self.scalar(node, scalar)
        case .sequence(let sequence):
            var entries: [JSONValue] = []
            for (index, entry) in sequence.enumerated() {
                guard let value = value(entry, path: "\(path)[\(index)]", depth: depth + 1) else { return nil }
                entries.append(value)
            }
            return .array(entries)
        case .mapping(let mapping):
            var members: [JSONObject.Member] = []
            for (key, entry) in mapping {
                let name = key.string ?? ""
                let inner = path.isEmpty ? name : "\(path).\(name)"
                guard let value = value(entry, path: inner, depth: depth + 1) else { return nil }
                members.append(.init(name: name, value: value))
            }
            return .object(JSONObject(members: members))
        default: return nil
        }
    }

    private static func scalar(_ node: Node, _ scalar: Node.Scalar) -> JSONValue {
        // Only plain scalars have a type of their own; quoted ones are text.
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        if node.null != nil { return .null }
        if ["true", "false"].contains(scalar.string.lowercased()), let flag = node.bool { return .bool(flag) }
        if let number = node.int { return .integer(Int64(number)) }
        if let number = node.float, number.isFinite { return .number(number) }
        return .string(scalar.string)
    }
}

#else
/// Nothing without its trait: build with `traits: ["YAML"]`.
@available(*, unavailable, message: "turn on the trait YAML of the package BearerGuard")
public enum BearerGuardYAMLIsOff {}
#endif
