// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Members of a configuration that the environment sets: `BEARERGUARD_CONFIG_gateway__logLevel=debug`,
/// `BEARERGUARD_CONFIG_issuers__0__issuer=https://idp.example/`.
///
/// Names and places stand between double underscores as they are written in the file. A value that is JSON is taken as
/// JSON, any other as text.
package enum EnvironmentOverrides {
    static let prefix = "BEARERGUARD_CONFIG_"

    /// The variables of this process.
    package static var ofProcess: [(name: String, value: String)] {
        var variables: [(name: String, value: String)] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
            }
            unsafe next = next.advanced(by: 1)
        }
        return variables.sorted { $0.name < $1.name }
    }

    /// A configuration with what the variables set.
    ///
    /// - Throws: for each variable that names a place which is not there.
    package static func apply(
        _ variables: [(name: String, value: String)],
        to document: JSONValue
    ) throws(PolicyDocument.Faults) -> JSONValue {
        var document = document
        var faults: [PolicyDocument.Fault] = []
        for (name, text) in variables where name.hasPrefix(prefix) {
            let path = name.dropFirst(prefix.count).split(separator: "__", omittingEmptySubsequences: false)
            let value = (try? JSONDocument(Array(#"{"v":\#(text)}"#.utf8), limits: .document).object())?["v"]
            if let changed = set(document, path.map(String.init)[...], value ?? .string(text)) {
                document = changed
            } else {
                faults.append(
                    PolicyDocument.Fault(path: name, line: nil, message: "names no place of the configuration")
                )
            }
        }
        guard faults.isEmpty else { throw PolicyDocument.Faults(faults: faults) }
        return document
    }

    /// Faults that name the variable where one has set what is wrong, and not the line that it replaced.
    package static func naming(
        _ variables: [(name: String, value: String)],
        in faults: PolicyDocument.Faults
    ) -> PolicyDocument.Faults {
        let places = variables.filter { $0.name.hasPrefix(prefix) }.map { ($0.name, place(of: $0.name)) }
        return PolicyDocument.Faults(
            faults: faults.faults.map { fault in
                // What is within the place was set with it.
                let variable = places.first { _, place in
                    fault.path == place || fault.path.hasPrefix(place + ".") || fault.path.hasPrefix(place + "[")
                }
                guard let (name, _) = variable else { return fault }
                return PolicyDocument.Fault(path: "\(name): \(fault.path)", line: nil, message: fault.message)
            }
        )
    }

    /// A place as faults name it, as in `gateway.rules[2].path`.
    private static func place(of variable: String) -> String {
        variable.dropFirst(prefix.count).split(separator: "__").reduce("") { place, name in
            if Int(name) != nil { return "\(place)[\(name)]" }
            return place.isEmpty ? String(name) : "\(place).\(name)"
        }
    }

    private static func set(_ target: JSONValue?, _ path: ArraySlice<String>, _ value: JSONValue) -> JSONValue? {
        guard let name = path.first else { return value }
        guard !name.isEmpty else { return nil }
        switch target {
        case .object(let object):
            guard let inner = set(object[name], path.dropFirst(), value) else { return nil }
            let others = object.members.filter { !$0.name.isExactly(name) }
            return .object(others.map { ($0.name, $0.value) } + [(name, inner)])
        case .array(var entries):
            // The place behind the last one is there to be filled.
            guard let index = Int(name), (0...entries.count).contains(index) else { return nil }
            guard let inner = set(index < entries.count ? entries[index] : nil, path.dropFirst(), value) else {
                return nil
            }
            if index < entries.count { entries[index] = inner } else { entries.append(inner) }
            return .array(entries)
        case nil: return set(.object([(String, JSONValue)]()), path, value)
        default: return nil
        }
    }
}
#endif
