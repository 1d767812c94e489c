// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// The member names that are looked for in every header or payload: told apart once, while the text is read, so that
/// looking for one later is looking at its place.
package enum TokenMember: Int, CaseIterable, Sendable, BitwiseCopyable {
    // Headers (RFC 7515 §4.1, RFC 7516 §4.1.2, RFC 7797 §3).
    case algorithm, keyID, type, contentType, critical, payloadEncoding, encryption
    // Claims (RFC 7519 §4.1, RFC 8693 §4, RFC 7800 §3.1, and what Okta, Entra and others name the same things).
    case issuer, subject, audience, expiration, notBefore, issuedAt, tokenID, confirmation
    case scope, shortScope, clientID, oktaClientID, authorizedParty, applicationID, tenantID
    // What gives tokens of another kind away.
    case tokenUse, plainType, tokenType, events, httpMethod, httpTarget, introspection, responseType, redirectURI
    case accessTokenHash, codeHash, stateHash, nonce

    /// The name as it is written.
    package var name: String {
        switch self {
        case .algorithm: "alg"
        case .keyID: "kid"
        case .type: "typ"
        case .contentType: "cty"
        case .critical: "crit"
        case .payloadEncoding: "b64"
        case .encryption: "enc"
        case .issuer: "iss"
        case .subject: "sub"
        case .audience: "aud"
        case .expiration: "exp"
        case .notBefore: "nbf"
        case .issuedAt: "iat"
        case .tokenID: "jti"
        case .confirmation: "cnf"
        case .scope: "scope"
        case .shortScope: "scp"
        case .clientID: "client_id"
        case .oktaClientID: "cid"
        case .authorizedParty: "azp"
        case .applicationID: "appid"
        case .tenantID: "tid"
        case .tokenUse: "token_use"
        case .plainType: "type"
        case .tokenType: "token_type"
        case .events: "events"
        case .httpMethod: "htm"
        case .httpTarget: "htu"
        case .introspection: "token_introspection"
        case .responseType: "response_type"
        case .redirectURI: "redirect_uri"
        case .accessTokenHash: "at_hash"
        case .codeHash: "c_hash"
        case .stateHash: "s_hash"
        case .nonce: "nonce"
        }
    }

    /// The member of this name; nil for any other name.
    package init?(_ name: String) {
        let member = unsafe name.withBytes { unsafe Self.table.member($0) }
        guard let member else { return nil }
        self = member
    }

    static let count = TokenMember.nonce.rawValue + 1

    static let table = TokenMemberTable()
}

/// Several names, to be asked about at once.
package struct TokenMembers: Sendable {
    let bits: UInt64

    package init(_ members: TokenMember...) { bits = members.reduce(0) { $0 | 1 << UInt64($1.rawValue) } }

    func contains(_ member: TokenMember) -> Bool { bits >> UInt64(member.rawValue) & 1 == 1 }
}

/// Finds a ``TokenMember`` by its name, eight bytes at a time.
struct TokenMemberTable: Sendable {
    private struct Slot: BitwiseCopyable {
        var words: (UInt64, UInt64, UInt64) = (0, 0, 0)
        /// Bytes of the name, of which no member has more than three words.
        var count = 0
        var member = TokenMember.algorithm
    }

    /// Places, so many that a name of no member nearly always meets an empty one: a branch that goes either way by chance
    /// costs more than the rest of a look.
    private static let size = 2048
    /// By the hash of a name, its slot's number counted from 1; 0 for an empty place.
    private let places: ConstantTable<UInt8>
    private let slots: ConstantTable<Slot>

    fileprivate init() {
        var places = [UInt8](repeating: 0, count: Self.size)
        var slots: [Slot] = []
        for member in TokenMember.allCases {
            let name = Array(member.name.utf8)
            unsafe name.withUnsafeBufferPointer { name in
                func word(_ start: Int) -> UInt64 {
                    unsafe start < name.count ? Self.word(name, from: start, count: name.count - start) : 0
                }
                slots.append(Slot(words: (word(0), word(8), word(16)), count: name.count, member: member))
                var place = Self.place(word(0))
                while places[place] != 0 { place = (place + 1) % Self.size }
                places[place] = UInt8(slots.count)
            }
        }
        self.places = ConstantTable(places)
        self.slots = ConstantTable(slots)
    }

    func member(_ name: UnsafeBufferPointer<UInt8>) -> TokenMember? { unsafe member(name, 0, count: name.count) }

    /// The member of a name of at most eight bytes, which are all there is in a word.
    @inline(__always)
    func member(_ word: UInt64, count: Int) -> TokenMember? {
        guard let slot = slot(word, count: count) else { return nil }
        return slot.member
    }

    /// The member of a name of eight to sixteen bytes, which are all there is in two words.
    @inline(__always)
    func member(_ word: UInt64, _ tail: UInt64, count: Int) -> TokenMember? {
        guard let slot = slot(word, count: count), slot.words.1 == tail else { return nil }
        return slot.member
    }

    /// The member of the name that begins at `start`.
    func member(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, count: Int) -> TokenMember? {
        guard let slot = unsafe slot(Self.word(text, from: start, count: count), count: count) else { return nil }
        func isNext(_ offset: Int, _ word: UInt64) -> Bool {
            unsafe count <= offset || Self.word(text, from: start &+ offset, count: count &- offset) == word
        }
        return isNext(8, slot.words.1) && isNext(16, slot.words.2) ? slot.member : nil
    }

    /// What begins with this word and has so many bytes.
    @inline(__always)
    private func slot(_ word: UInt64, count: Int) -> Slot? {
        var place = Self.place(word)
        // Hardly any of the places are taken: the walk ends.
        while case let number = places[place], number != 0 {
            let slot = slots[Int(number) &- 1]
            if slot.words.0 == word, slot.count == count { return slot }
            place = (place &+ 1) & (Self.size &- 1)
        }
        return nil
    }

    /// At most eight of `count` bytes of a text, the first one lowest.
    @inline(__always)
    static func word(_ text: UnsafeBufferPointer<UInt8>, from start: Int, count: Int) -> UInt64 {
        if start &+ 8 <= text.count {
            let word = unsafe JSONText.word(text, start)
            return count >= 8 ? word : word & ~(UInt64.max &<< UInt64(truncatingIfNeeded: 8 &* count))
        }
        var word: UInt64 = 0
        for index in 0..<min(8, count) { unsafe word |= UInt64(text[start &+ index]) &<< UInt64(8 &* index) }
        return word
    }

    private static func place(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 53) }
}
