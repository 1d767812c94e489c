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

    /// The members, in the order of the text.
    public let members: [Member]

    package init(members: [Member]) {
        self.members = members
    }

    /// The number of members.
    public var count: Int { members.count }

    /// The value of `name`, compared code point by code point; linear in the number of members.
    public subscript(name: String) -> JSONValue? {
        members.first { $0.name.isExactly(name) }?.value
    }

    /// Whether two objects have the same members in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && Set(left.members) == Set(right.members)
    }

    /// Hashes the number of members, as their order does not count.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
    }
}
