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
    /// - Throws: the fault in it.
    package init(tokenText: [UInt8]) throws(JSONError) {
        if tokenText.count <= JSONMemberIndex.maximumBytes {
            storage = .index(try JSONMemberIndex(tokenText))
        } else {
            self = try JSONDocument.object(tokenText, limits: .token)
        }
    }

    /// Bytes that it keeps alive, estimated.
    var retainedBytes: Int {
        switch storage {
        case .index(let index): index.retainedBytes
        case .members(let members): members.reduce(0) { $0 + 64 + $1.name.utf8.count + $1.value.retainedBytes }
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
        case .index(let index): index.count
        }
    }

    /// The value of `name`, compared code point by code point; linear in the number of members.
    public subscript(name: String) -> JSONValue? {
        switch storage {
        case .members(let members): members.first { $0.name.isExactly(name) }?.value
        case .index(let index): index.value(of: name)
        }
    }

    /// The value of a member that tokens have; quicker than by its name.
    package subscript(member: TokenMember) -> JSONValue? {
        switch storage {
        case .members: self[member.name]
        case .index(let index): index.value(of: member)
        }
    }

    /// Whether a member is there, whatever its value.
    func has(_ member: TokenMember) -> Bool {
        switch storage {
        case .members: self[member.name] != nil
        case .index(let index): index.kind(of: member) != nil
        }
    }

    /// Whether one of these is there.
    func hasAny(of members: TokenMembers) -> Bool {
        switch storage {
        case .members: TokenMember.allCases.contains { members.contains($0) && has($0) }
        case .index(let index): index.hasAny(of: members)
        }
    }

    /// Whether there is a member of this name, and not `null`.
    func hasValue(_ name: String) -> Bool {
        switch storage {
        case .members: self[name].map { $0 != .null } ?? false
        case .index(let index): index.kind(of: name).map { $0 != .literalNull } ?? false
        }
    }

    /// Whether a member is a string, or not there.
    func isTextOrAbsent(_ member: TokenMember) -> Bool {
        switch storage {
        case .members: self[member].map { $0.stringValue != nil } ?? true
        case .index(let index): index.kind(of: member).map(\.isText) ?? true
        }
    }

    /// Whether a member is this very text.
    func hasText(_ text: String, at member: TokenMember) -> Bool {
        if case .index(let index) = storage, let answer = index.hasText(text, at: member) { return answer }
        return self[member]?.stringValue?.isExactly(text) == true
    }

    /// Whether a member is text, or an array of texts, whose every one passes; nil where only its value can say.
    func allTexts(at member: TokenMember, pass: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        guard case .index(let index) = storage else { return nil }
        return unsafe index.allTexts(at: member, pass: pass)
    }

    /// Whether a member lists a text, as a word of its own or as an entry; nil where only its value can say.
    func lists(_ text: String, at member: TokenMember) -> Bool? {
        guard case .index(let index) = storage else { return nil }
        return index.lists(text, at: member)
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
