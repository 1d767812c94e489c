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
    private let all: JSONMembers

    package init(members: [Member]) {
        all = JSONMembers(values: members)
    }

    /// Reads the text of an object out of a token, or a line of many.
    ///
    /// - Throws: the fault in it.
    package init(tokenText text: ArraySlice<UInt8>, limits: JSONLimits = .token) throws(JSONError) {
        if text.count <= JSONMembers.maximumBytes {
            all = try JSONMembers(text, limits: limits)
        } else {
            self = try JSONDocument.object(Array(text), limits: limits)
        }
    }

    /// The text that it was read out of, which is one JSON object and has no NUL; nil where only values are kept.
    package var tokenText: ArraySlice<UInt8>? { all.tokenText }

    /// Bytes that it keeps alive, estimated.
    var retainedBytes: Int { all.retainedBytes }

    /// The members, in the order of the text.
    public var members: [Member] { all.members }

    /// The number of members.
    public var count: Int { all.count }

    /// The value of `name`, compared code point by code point; linear in the number of members.
    public subscript(name: String) -> JSONValue? { all.value(of: name) }

    /// A number as it is written, whatever its size; nil for any other value, and where only values are kept.
    package func numberText(_ name: String) -> ArraySlice<UInt8>? { all.numberText(name) }

    /// The value of a member that tokens have; quicker than by its name.
    package subscript(member: TokenMember) -> JSONValue? { all.value(of: member) }

    /// Whether a member is there, whatever its value.
    func has(_ member: TokenMember) -> Bool { all.kind(of: member) != .absent }

    /// Whether one of these is there.
    func hasAny(of members: TokenMembers) -> Bool { all.hasAny(of: members) }

    /// Whether there is a member of this name, and not `null`.
    func hasValue(_ name: String) -> Bool {
        let kind = all.kind(of: name)
        return kind != .absent && kind != .literalNull
    }

    /// The first of these names of which there is no member, or `null`.
    func firstMissing(of names: [String]) -> String? {
        let names = names.span
        // Looked at where they lie: a loop over the array may retain each.
        for index in names.indices where !hasValue(names[index]) { return names[index] }
        return nil
    }

    /// Whether a member is a string, or not there.
    func isTextOrAbsent(_ member: TokenMember) -> Bool {
        let kind = all.kind(of: member)
        return kind.isText || kind == .absent
    }

    /// Whether a member is this very text.
    func hasText(_ text: String, at member: TokenMember) -> Bool { all.hasText(text, at: member) }

    /// Whether a member is one of these very texts.
    func hasText(amongst texts: [String], at member: TokenMember) -> Bool {
        let texts = texts.span
        // Looked at where they lie: a loop over the array may retain each.
        for index in texts.indices where all.hasText(texts[index], at: member) { return true }
        return false
    }

    /// Whether two members are there and the same text.
    func haveSameText(_ first: TokenMember, _ second: TokenMember) -> Bool { all.haveSameText(first, second) }

    /// Whether a member is text, or an array of texts, whose every one passes; nil where only its value can say.
    func allTexts(at member: TokenMember, pass: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool? {
        unsafe all.allTexts(at: member, pass: pass)
    }

    /// Whether a member lists a text, as a word of its own or as an entry; nil where only its value can say.
    func lists(_ text: String, at member: TokenMember) -> Bool? { all.lists(text, at: member) }

    /// Whether two objects have the same members in any order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && Set(left.members) == Set(right.members)
    }

    /// Hashes the number of members, as their order does not count.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
    }
}
