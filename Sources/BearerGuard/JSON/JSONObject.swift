// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The members of a JSON object in the order they were written, names unique and compared by code points.
public struct JSONObject: Sendable, Hashable {
    /// One name and its value.
    public struct Member: Sendable, Hashable {
        /// The member name.
        public let name: String
        /// Its value.
        public let value: JSONValue

        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }

        /// Compares names by code points.
        public static func == (left: Member, right: Member) -> Bool {
            left.name.isExactly(right.name) && left.value == right.value
        }

        /// Hashes what `==` compares.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(ExactString(name))
            hasher.combine(value)
        }
    }

    /// A token's claims are rarely all looked at: most stay places in the text.
    private enum Storage: Sendable {
        case members([Member])
        case index(JSONMemberIndex)
    }

    private let storage: Storage

    package init(members: [Member]) {
        storage = .members(members)
    }

    /// Reads the text of an object out of a token.
    ///
    /// - Throws: what jansson says, where the text is not one that ``JSONMemberIndex`` takes.
    package init(tokenText: [UInt8]) throws(JSONError) {
        if let index = JSONMemberIndex(tokenText) {
            storage = .index(index)
        } else {
            self = try JSONDocument.object(tokenText, limits: .token)
        }
    }

    /// The members, in the order of the text.
    public var members: [Member] {
        switch storage {
        case .members(let members): members
        case .index(let index): index.members
        }
    }

    /// The number of members.
    public var count: Int {
        switch storage {
        case .members(let members): members.count
        case .index(let index): index.entries.count
        }
    }

    /// The value of `name`, compared code point by code point; linear in the number of members.
    public subscript(name: String) -> JSONValue? {
        switch storage {
        case .members(let members): members.first { $0.name.isExactly(name) }?.value
        case .index(let index): index.value(of: name)
        }
    }

    /// Whether two objects have the same members in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && Set(left.members) == Set(right.members)
    }

    /// Hashes the number of members, as their order does not count.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
    }
}
