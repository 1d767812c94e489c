// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

/// The reader of tokens accepts what jansson accepts within the limits of tokens, with the same values, and refuses the
/// rest; a number out of range, which has a reason of its own, for the same one.
///
/// 50 000 random changes in every run; more by `BEARERGUARD_MUTATIONS`. The seed is printed.
@Suite("Conformance: the two JSON readers")
struct JSONReaderAgreementTests {
    /// Texts of every shape that a reader has a rule for, beside the payloads and headers of the vectors.
    private static let own: [String] =
        [
            "{}", " { } ", #"{"a":1}"#, #"{"a":-0,"b":0,"c":123456789012345678}"#,
            #"{"a":"x\"y\\z\/\b\f\n\r\t"}"#, #"{"a":[],"b":[1,"x",null,true,false,{"c":{"d":[[]]}}]}"#,
            #"{"a":{"b":1,"c":2},"d":{"b":3}}"#, #"{ "exp" : 1 , "aud":["a","b"] }"#, "{\"a\"\t:\r\n1}",
            #"{"a":"\u0041"}"#, #"{"a":1.5e3,"b":1e400}"#, #"{"a":"é","b":"€","c":"😀"}"#, #"{"é":1,"é":2}"#,
            #"{"a":1,"a":2}"#, #"{"a":{"b":1,"b":2}}"#, "[1]", "\"x\"", "7", "null", "", "{", #"{"a":01}"#,
            #"{"a":-}"#, #"{"a":tru}"#, #"{"a":nulls}"#, #"{"a":1,}"#, #"{"a" 1}"#, #"{"a":1}x"#, "{\"a\":\"\u{1}\"}",
            #"{"a":"\x"}"#, #"{"a":[1,]}"#, #"{"a":[1 2]}"#, "{\"a\":\"\0\"}", "{\"a\":1\0}", "{\"a\":[1\0,2\0]}",
            "{\"a\":true\0}", #"{"":""}"#, "\u{FEFF}{}",
            #"{"a":12345678901234567890,"b":1}"#, #"{"a":-9223372036854775808,"b":-9223372036854775809}"#,
            #"{"a":9223372036854775807,"b":9223372036854775808}"#, #"{"a":"\ud800"}"#, #"{"a":"\udc00"}"#,
            #"{"a":"\ud83d\ude00"}"#, #"{"a":"\ud83d\u0041"}"#, #"{"a":"\uD83D\u0000"}"#, #"{"a":"\u00e9\u20AC"}"#,
            #"{"a":"\u0000","exp\u0000":1}"#, #"{"\u0061":1,"a":2}"#, #"{"\u0061":1,"\u0061":2}"#,
            #"{"a":{"\u0062":1,"b":2}}"#,
            #"{"\u0065xp":1}"#, #"{"\u0065xp":1,"exp":2}"#, #"{"exp":1,"\u0065xp":2}"#, #"{"a":'b'}"#,
            "{\"a\":\"\u{7F}\"}", #"{"a":1.7976931348623157e308,"b":-1.7976931348623157e+308}"#,
            #"{"a":1.7976931348623158079e308}"#, #"{"a":1.797693134862315808e308}"#,
            #"{"a":179769313486231580793e288}"#,
            #"{"a":0.00017976931348623159e312}"#, #"{"a":1e309}"#, #"{"a":0e999999999999}"#,
            #"{"a":0.000e+5,"b":1e-999}"#,
            #"{"a":17976931348623158e292}"#, #"{"a":1797693134862315e293}"#, #"{"a":-1.7976931348623159e308}"#,
            #"{"a":0.17976931348623158e309,"b":0.1e309,"c":0.2e309}"#, #"{"a":1e+308,"b":2e308}"#,
            #"{"a":00e308}"#, #"{"a":0.0e999}"#, #"{"a":100000e303}"#, #"{"a":100000e304}"#, #"{"a":1e-99999999}"#,
            #"{"a":1E5,"b":1.0e-5,"c":-0.0}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":1e}"#, #"{"a":1e+}"#, #"{"a":+1}"#,
            #"{"a":1e400,"b":}"#, #"{"a":1,"a":1e400}"#, #"{"a":truefalse}"#, #"{"a":true1}"#,
            #"{"token_introspection":1}"#,
        ]

    /// Numbers around 2^1024 − 2^970, at which they stop to round to the largest double: as integers, and with a point and
    /// an exponent.
    private static let edge: [String] = {
        let bound =
            "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070"
            + "9633028641669288791094655554785194040263065748867150582068190890200070838367627385484581771153176447"
            + "5730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880177904"
            + "174497792"
        var texts: [String] = []
        for place in [0, 1, 16, 17, 18, 19, 20, 100, 307, 308] {
            for change: Int8 in [-1, 0, 1] {
                var digits = Array(bound.utf8)
                digits[place] = UInt8(clamping: min(57, max(48, Int(digits[place]) + Int(change))))
                let text = String(decoding: digits, as: UTF8.self)
                texts += [
                    text, "-\(text).0", "\(text).1", "\(text.prefix(1)).\(text.dropFirst())e308", "0.\(text)E+309",
                ]
                texts += ["0.000\(text)e312", "\(text)000e-3", String(text.prefix(place + 1)) + "e\(308 - place)"]
            }
        }
        return texts.map { #"{"a":\#($0)}"# }
    }()

    private static let nested: [String] = [30, 31, 32, 33].flatMap { (depth: Int) -> [String] in
        [
            #"{"a":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}",
            String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth),
        ]
    }

    /// Texts with more members and elements than are compared one by one, up to the limits and beyond.
    private static let crowded: [String] = [15, 16, 17, 40, 300, 1023, 1024, 1025].flatMap { (count: Int) -> [String] in
        let names = (0..<count).map { #""n\#($0 * 7919 % 10_007)":1"# }
        let text = "{" + names.joined(separator: ",")
        let last = (count - 1) * 7919 % 10_007
        let ones = Array(repeating: "1", count: count).joined(separator: ",")
        return [
            "{\"a\":[[\(ones)]],\"b\":[[ ],[],{ }]}", "{\"a\":[[\(ones)],{\"b\":[1]}]}",
            "{\"a\":[\(ones)],\"b\":[\(ones)]}",
            "{\"a\":\(text)},\"b\":[\(ones)]}",
            "\(text)}", "\(text),\"n0\":2}", "\(text),\"\\u006e0\":2}", "{\"x\":\(text)},\"y\":\(text)}}",
            "{\"x\":\(text),\"n\(last)\":3}}", "{\"a\":[\(ones)]}",
        ]
    }

    /// Members and elements together as many as there may be, or one more, in any order.
    private static func mixed(more: Int) -> [String] {
        [(1024, 128), (128, 1024), (576, 576)].flatMap { (members: Int, elements: Int) -> [String] in
            let names = (2..<members).map { #""n\#($0)":1"# }.joined(separator: ",")
            let ones = Array(repeating: "1", count: elements + more).joined(separator: ",")
            return [
                "{\"a\":[\(ones)],\"b\":1,\(names)}", "{\(names),\"a\":1,\"b\":[\(ones)]}",
                "{\"a\":{\(names)},\"b\":[\(ones)]}",
            ]
        } + ["{\"a\":[" + Array(repeating: #"{"b":1}"#, count: 575 + more).joined(separator: ",") + "],\"c\":1}"]
    }

    /// Two names in one object, written in one way and another, of lengths around those of a word and of the room that
    /// names with escapes have at first; alone, among many others, and within.
    private static let spelled: [String] = [0, 1, 6, 7, 8, 9, 15, 16, 17, 239, 240, 241].flatMap {
        (length: Int) -> [String] in
        let plain = String(repeating: "m", count: length)
        let names = [
            plain, #"\u006d"# + plain.dropFirst(), plain.dropLast() + #"\u006D"#, "é" + plain, #"\u00e9"# + plain,
            plain + "é", plain + #"\u00E9"#,
        ]
        let crowd = (0..<60).map { #""c\#($0)":1"# }.joined(separator: ",")
        return names.flatMap { first in
            names.flatMap { second in
                let pair = "\"\(first)\":1,\"\(second)\":\"\""
                return ["{\(pair)}", "{\(crowd),\(pair)}", "{\"x\":[{\(pair)}]}"]
            }
        }
    }

    /// What a reader says of a text: its members, or why it has none.
    private enum Reading {
        case members([JSONObject.Member])
        case refused(JSONError)

        init(_ read: () throws(JSONError) -> [JSONObject.Member]) {
            do { self = .members(try read()) } catch { self = .refused(error) }
        }
    }

    /// Why the two readers differ; nil where they do not.
    static func difference(_ text: [UInt8], behind: String = #""}]e1,"#) -> String? {
        // Among other bytes, so that reading beyond either end would show.
        let surroundings = Array(behind.utf8)
        let place = surroundings.count..<surroundings.count + text.count
        let surrounded = (surroundings + text + surroundings)[place]
        let quick = Reading { () throws(JSONError) in try JSONMembers(surrounded).members }
        let slow = Reading { () throws(JSONError) in try JSONDocument.object(text, limits: .token).members }
        switch (quick, slow) {
        case (.members(let quick), .members(let slow)):
            guard quick.map(\.name) == slow.map(\.name) else { return "other names" }
            for (left, right) in zip(quick, slow) where !isSame(left.value, right.value) { return "other value" }
            let index = try? JSONMembers(surrounded)
            for member in slow {
                guard let value = index?.value(of: member.name), isSame(value, member.value) else { return "not found" }
                guard let known = TokenMember(member.name) else { continue }
                guard index?.value(of: known).map({ isSame($0, member.value) }) == true else { return "not found" }
            }
            return nil
        case (.refused(let quick), .refused(let slow)):
            // A number out of range has a reason of its own; where the text has another fault as well, either is right.
            if quick == .numberOutOfRange || slow == .numberOutOfRange, quick != slow {
                if quick == .tooManyOddSpellings || slow == .tooManyOddSpellings { return nil }
                guard (try? JSONDocument(JSONNumber.replaced(in: text), limits: .token).object()) != nil else {
                    return nil
                }
                return "\(quick) and \(slow)"
            }
            return nil
        case (.members, .refused(let fault)): return "accepted, where jansson says \(fault)"
        case (.refused(let fault), .members): return "\(fault), where jansson accepts"
        }
    }

    /// Equal, but that jansson reads every integer of a text as a real where one of them is beyond 64 bits.
    private static func isSame(_ left: JSONValue, _ right: JSONValue) -> Bool {
        switch (left, right) {
        case (.integer(let left), .number(let right)): Double(left) == right
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && zip(left.members, right.members).allSatisfy { $0.name == $1.name && isSame($0.value, $1.value) }
        default: left == right && "\(left)" == "\(right)"
        }
    }

    /// Names and numbers in odd spellings, and in ones that just are none, as many as there may be and one more.
    private static let odd: [String] = [64, 65].flatMap { (count: Int) -> [String] in
        let names: [(Int) -> String] = [
            { #"\u006e\#($0)"# }, { "\u{E9}\($0)" }, { #"a long name beyond any word \#($0)\/"# }, { "n\($0)" },
            { "a long name beyond \u{20AC}\($0)" },
        ]
        let numbers = [
            "1e100", "1E+100", "-1.5e-100", "0e000", "1e99", "1.5E-07", "-0.30000000000000004", "\(UInt64.max)",
            String(repeating: "7", count: 24), "-" + String(repeating: "7", count: 24),
            "0." + String(repeating: "3", count: 22), "0." + String(repeating: "3", count: 23), "1 ", "-1", " 0.5\n",
        ]
        return names.map { name in
            "{\"a\":[" + (0..<count).map { "{\"\(name($0))\": \"\\n\u{E9}\"}" }.joined(separator: ",") + "]}"
        } + numbers.map { "{\"a\":[" + Array(repeating: $0, count: count).joined(separator: " , ") + "]}" }
    }

    @Test("A text that is cut anywhere is refused, whatever stands behind it")
    func cuts() {
        let text = Array(
            #"{"a":{"b":[{},{"c":1.5e-7}],"d\n":"\u00e9}"}, "a member's long name":[[],-12, true,null ,{"é":""}] } "#
                .utf8
        )
        for count in 0...text.count {
            for end in ["", "}", "} ", "}}", "}}}", "]}", "\"}", ":{}", ":{}}"] {
                for behind in ["}", ",\"z\":1}", "]}", "\"}", ":1}", " ", "1", "\0"] {
                    let cut = Array(text.prefix(count)) + Array(end.utf8)
                    let difference = Self.difference(cut, behind: behind)
                    #expect(difference == nil, "\(String(decoding: cut, as: UTF8.self)), \(behind)")
                }
            }
        }
    }

    @Test("What is no JSON is told as such, however much it has of what is limited")
    func faults() {
        let odd = Array(repeating: "1e100", count: 64).joined(separator: ",")
        let cases: [(String, JSONError)] = [
            ("", .malformed), ("  ", .malformed), (#"{"a":1"#, .malformed), (#"{"a":1}x"#, .malformed),
            ("}", .notAnObject),
            ("[1]", .notAnObject), ("1", .notAnObject), ("{\"a\":[\(odd)],\"b\":x}", .malformed),
            ("{\"a\":[\(odd)],\"b\":}", .malformed), ("{\"a\":[\(odd)],\"b\u{1}\":1}", .malformed),
            ("{\"a\":[\(odd)],\"b\":-}", .malformed), ("{\"a\":[\(odd),1e400]}", .tooManyOddSpellings),
            ("{\"a\":[\(odd)],\"\u{E9}\":1}", .tooManyOddSpellings), ("{\"a\":1e400}", .numberOutOfRange),
        ]
        for (text, fault) in cases + Self.mixed(more: 1).map({ ($0, .tooManyElements) }) {
            #expect(throws: fault, "\(text)") { try JSONMembers(Array(text.utf8)[...]) }
        }
    }

    @Test("As many members and elements together as there may be are read")
    func together() {
        for text in Self.mixed(more: 0) {
            #expect(throws: Never.self, "\(text)") { try JSONMembers(Array(text.utf8)[...]) }
        }
    }

    @Test("A name that an object has twice is found, in whatever ways it is written")
    func spellings() {
        for text in Self.spelled {
            let difference = Self.difference(Array(text.utf8))
            #expect(difference == nil, "\(text)")
        }
        // In each of three places: seven spellings of three names, and of two where there is nothing beside the letter.
        let twice = Self.spelled.count { (try? JSONMembers(Array($0.utf8)[...])) == nil }
        #expect(twice == 11 * 3 * (3 * 3 + 2 * 2 + 2 * 2) + 3 * (1 + 2 * 2 + 4 * 4))
    }

    @Test("Every text of the vectors, and of random changes to them, is read alike")
    func agreement() throws {
        var corpus =
            (Self.own + Self.nested + Self.crowded + Self.mixed(more: 0) + Self.mixed(more: 1) + Self.odd + Self.edge)
            .map { Array($0.utf8) }
        for file in VectorFolder.files {
            for vector in try VectorCase.read(file) {
                for segment in vector.tokenBytes.split(separator: UInt8(ascii: ".")).prefix(2) {
                    if let text = Base64URL.decode(segment), text.count < 4096 { corpus.append(text) }
                }
            }
        }
        for text in corpus {
            let difference = Self.difference(text)
            #expect(difference == nil, "\(String(decoding: text, as: UTF8.self))")
        }
        let accepted = corpus.count { (try? JSONMembers($0[...])) != nil }
        let environment = ProcessInfo.processInfo.environment
        let count = environment["BEARERGUARD_MUTATIONS"].flatMap { Int($0) } ?? 50_000
        let seed = environment["BEARERGUARD_SEED"].flatMap { UInt64($0) } ?? .random(in: 1 ... .max)
        var generator = SeededGenerator(seed: seed)
        let pieces =
            Array(#"{}[]:,"\/ue-+.0159tfnabdD8cE "#.utf8) + [
                0, 0x0A, 0x1F, 0x7F, 0x80, 0xC3, 0xA9, 0xE2, 0x82, 0xED, 0xF0, 0xFF,
            ]
        var taken = 0
        for _ in 0..<count {
            var text = corpus[Int.random(in: 0..<corpus.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0...text.count, using: &generator)
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &generator)]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0 where place < text.count: text[place] = piece
                case 1 where place < text.count: text.remove(at: place)
                case 2: text.insert(piece, at: place)
                default:
                    let other = corpus[Int.random(in: 0..<corpus.count, using: &generator)]
                    let separator = Bool.random(using: &generator) ? UInt8(ascii: ",") : UInt8(ascii: "\"")
                    if let part = other.split(separator: separator).randomElement(using: &generator) {
                        text.insert(contentsOf: part, at: place)
                    }
                }
            }
            if (try? JSONMembers(text[...])) != nil { taken += 1 }
            if let difference = Self.difference(text) {
                Issue.record("seed \(seed): \(difference): \(String(decoding: text, as: UTF8.self).debugDescription)")
                return
            }
        }
        print(
            "JSON readers: \(accepted) of \(corpus.count) texts accepted, \(count) changes, \(taken) accepted, seed \(seed): no difference"
        )
        #expect(accepted > 40)
        #expect(taken > count / 50)
    }
}
