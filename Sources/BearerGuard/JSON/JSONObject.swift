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

    /// Bytes that it keeps alive, estimated.
    var retainedBytes: Int {
        switch storage {
        case .index(let index): index.text.count + index.entries.count * MemoryLayout<JSONMemberIndex.Entry>.stride
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

    /// Whether there is a member of this name, whatever its value.
    func has(_ name: String) -> Bool {
        switch storage {
        case .members: self[name] != nil
        case .index(let index): index.kind(of: name) != nil
        }
    }

    /// Whether there is a member of this name, and not `null`.
    func hasValue(_ name: String) -> Bool {
        switch storage {
        case .members: self[name].map { $0 != .null } ?? false
        case .index(let index): index.kind(of: name).map { $0 != .literalNull } ?? false
        }
    }

    /// Whether the member is a string, or not there.
    func isTextOrAbsent(_ name: String) -> Bool {
        switch storage {
        case .members: self[name].map { $0.stringValue != nil } ?? true
        case .index(let index):
            switch index.kind(of: name) {
            case nil, .plainString, .escapedString: true
            default: false
            }
        }
    }

    /// Whether the member is this very text.
    func hasText(_ text: String, at name: String) -> Bool {
        if case .index(let index) = storage, let answer = index.hasText(text, at: name) { return answer }
        return self[name]?.stringValue?.isExactly(text) == true
    }

    /// Whether the member is text, or an array of texts, whose every one passes; nil where only its value can say.
    func allTexts(at name: String, pass: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        guard case .index(let index) = storage else { return nil }
        return unsafe index.allTexts(at: name, pass: pass)
    }

    /// Whether the member lists a text, as a word of its own or as an entry; nil where only its value can say.
    func lists(_ text: String, at name: String) -> Bool? {
        guard case .index(let index) = storage else { return nil }
        return index.lists(text, at: name)
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
