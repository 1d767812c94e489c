// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BearerGuardTesting
import Foundation
import Testing

@testable import BearerGuardAudit

@Suite("The parts of captured lines")
struct CapturedLinesTests {
    private struct Parts: Equatable {
        let token: String?
        let id: String?
        let time: Int64?
        var isObject = true
    }

    /// What is read of the lines of a capture, and how many of them were read by the shape of another one.
    private struct Reading {
        var parts: [Parts] = []
        var shaped = 0
    }

    /// What is read of the lines of a capture of objects.
    private func parts(_ lines: [String], token: String = "token", time: String = "ts") throws -> [Parts] {
        try read(lines.map { Array($0.utf8) }, token: token, time: time).parts
    }

    private func read(_ lines: [[UInt8]], token: String = "token", time: String = "ts") throws -> Reading {
        let file = try captureFile(lines.joined(separator: [UInt8(ascii: "\n")]))
        defer { try? file.close() }
        var reader = CaptureReader(descriptor: file.fileDescriptor)
        var reading = Reading()
        let fields = CaptureFormat.Fields(token: CaptureFormat.Field(token), time: CaptureFormat.Field(time))
        while let batch = try reader.next(unless: { false }) {
            unsafe batch.withBytes { bytes in
                var lines = unsafe CapturedLines(bytes, of: batch, CaptureFormat(fields: fields), at: nil)
                reading.shaped += lines.all.count { $0.unread != nil }
                for index in lines.all.indices { lines.settle(index, fields, at: nil) }
                func text(_ text: CapturedLine.Text) -> String {
                    unsafe lines.withBytes(of: text) { unsafe String(decoding: $0, as: UTF8.self) }
                }
                for line in lines.all {
                    let token: String? = if case .token(let place) = line.content { text(place) } else { nil }
                    let isObject = if case .noObject = line.content { false } else { true }
                    reading.parts.append(
                        Parts(token: token, id: line.id.map(text), time: line.time?.seconds, isObject: isObject)
                    )
                }
            }
        }
        return reading
    }

    private func read(_ lines: [[UInt8]], _ like: Line) throws -> Reading {
        try read(lines, token: like.token, time: like.time)
    }

    /// All orders of some elements.
    private func orders<Element>(_ elements: [Element]) -> [[Element]] {
        guard elements.count > 1 else { return [elements] }
        return elements.indices.flatMap { index in
            var others = elements
            let first = others.remove(at: index)
            return orders(others).map { [first] + $0 }
        }
    }

    @Test("Members are found in whatever order they stand, and however many there are, whatever the line before had")
    func changingOrders() throws {
        var lines: [String] = []
        var expected: [Parts] = []
        let members = [
            #""token":"a.b.c""#, #""ts":1800000000"#, #""id":"one""#, #""tokem":"x""#, #""t":"y""#, #""ID":1"#,
        ]
        for order in orders(members) {
            for count in 0...order.count {
                let some = order.prefix(count)
                lines.append("{\(some.joined(separator: ","))}")
                expected.append(
                    Parts(
                        token: some.contains(members[0]) ? "a.b.c" : nil,
                        id: some.contains(members[2]) ? "\"one\"" : nil,
                        time: some.contains(members[1]) ? 1_800_000_000 : nil
                    )
                )
            }
        }
        #expect(lines.count == 5040)
        #expect(try parts(lines) == expected)
    }

    @Test(
        "A member is told by its whole name, of whatever length",
        arguments: ["", "t", "seven77", "eight888", "nine99999", "a name of more than two words", "t\u{E9}"]
    )
    func names(name: String) throws {
        let lines = [
            "{\"\(name)\":\"a.b.c\"}", "{\"\(name)x\":\"a.b.c\"}", "{\"x\":1,\"\(name)\":\"a.b.c\"}",
            "{\"\(name.dropLast())\":\"a.b.c\"}", "{\"\(name.dropLast())~\":\"a.b.c\"}", "{\"\(name)\":\"a.b.c\"  } ",
        ]
        let isEmpty = name.isEmpty
        let tokens = ["a.b.c", nil, "a.b.c", isEmpty ? "a.b.c" : nil, nil, "a.b.c"]
        #expect(try parts(lines, token: name, time: "at").map(\.token) == tokens)
    }

    @Test("A member is found where its line ends within few bytes")
    func shortEnds() throws {
        let lines = [#"{"token":"a","id":7}"#, #"{"token":"a","id":""}"#, #"{"ts":1,"token":""}"#]
        let found = try parts(lines)
        #expect(found.map(\.token) == ["a", "a", ""])
        #expect(found.map(\.id) == ["7", "\"\"", nil])
        #expect(found.map(\.time) == [nil, nil, 1])
        #expect(try parts([#"{"token":"a","t":1}"#], time: "t").map(\.time) == [1])
    }

    @Test("A name with escapes is the same name, and hides no other")
    func escapedNames() throws {
        let lines = [
            #"{"to\u006ben":"a.b.c","id":"one"}"#, #"{"id":"one","token":"a.b.c","\u0078":1}"#,
            #"{"\u0078":1,"token":"a.b.c","id":"one"}"#, #"{"\u0078":1,"id":"one"}"#,
            #"{"i\u0064":"one","token":"a.b.c"}"#, #"{"token":"a.b.c","to\u006ben":"d.e.f"}"#,
        ]
        let found = try parts(lines)
        #expect(found.map(\.token) == ["a.b.c", "a.b.c", "a.b.c", nil, "a.b.c", nil])
        #expect(found.map(\.id) == ["\"one\"", "\"one\"", "\"one\"", "\"one\"", "\"one\"", nil])
    }

    /// A line as captures have it; each has another number in place of the sign.
    struct Line: Sendable {
        let text: String
        var token = "token"
        var time = "ts"
        /// Whether the next one is read by its shape.
        var hasShape = true

        func numbered(_ number: Int) -> [UInt8] {
            Array(text.replacingOccurrences(of: "§", with: String(number)).utf8)
        }
    }

    private static let lines = [
        Line(text: #"{"token":"ab.cd.ef§","ts":180000§,"src":"gw-1","id":"t§"}"#),
        Line(text: #"{"id": §, "nested": {"list": ["a", 1, null, true, {}], "n": -1.5e3}, "token": "Bearer x.§"}"#),
        Line(text: #"{ "a member with a name of some length" :"x§" ,"ts":"1800000§","token":"y","zero":0,"no":0.25}"#),
        Line(text: #"{"token":"§"}"#),
        Line(text: #"{"ts":§,"token":"","big":123456789012345678901,"most":123456789012345678,"id":0}"#),
        Line(text: #"{"ts":"2027-01-15T08:00:00Z","token":"§","id":"a\#u{7F}b","token ":"§"}"#, hasShape: false),
        Line(text: #"{"ts":§,"token":"","é":"é","e":"\u0041","id":7}"#, hasShape: false),
        Line(text: #"{"token":"a§","ts":-§}"#, hasShape: false),
        Line(text: #"{"token":"a§","ts":-1,"id":"§"}"#, hasShape: false),
        Line(text: #"{"token":"a§","id":-§}"#, hasShape: false),
        Line(text: #"{"token":"a§","id":180000§}"#, time: "id", hasShape: false),
        Line(text: #"{"id":"a§","ts":180000§}"#, token: "id"),
        Line(text: #"{"token":"180000§","id":"b"}"#, time: "token", hasShape: false),
    ]

    @Test(
        "A line reads the same behind others that are written like it as by itself, whatever is changed in it",
        arguments: lines
    )
    func changedLines(line: Line) throws {
        var generator = SeededGenerator(seed: 4)
        let bytes = Array(" \"\\\"{}[]:,.-+eE0123456789truefalsnABz~\u{7F}\r\t\u{1}\u{E9}".utf8) + [0xFF, 0xC3]
        var kinds: Set<String> = []
        for round in 0..<100 {
            var lines = (0..<6).map { line.numbered(1000 + round * $0) }
            // Not the first, nor those at the end of what is read at once.
            if round == 0 { #expect(try read(lines, line).shaped == (line.hasShape ? 3 : 0)) }
            // The first is read, and the next has its shape.
            for index in lines.indices.dropFirst(2) {
                for _ in 0..<Int.random(in: 0...2, using: &generator) {
                    let place = Int.random(in: 0..<lines[index].count, using: &generator)
                    let byte = bytes.randomElement(using: &generator) ?? 0
                    switch Int.random(in: 0..<4, using: &generator) {
                    case 0: lines[index].insert(byte, at: place)
                    case 1 where lines[index].count > 1: lines[index].remove(at: place)
                    case 2: lines[index] = Array(lines[index][..<max(place, 1)])
                    default: lines[index][place] = byte
                    }
                }
            }
            let together = try read(lines, line).parts
            let alone = try lines.flatMap { try read([$0], line).parts }
            kinds.formUnion(alone.map { "\($0.isObject) \($0.token == nil)" })
            #expect(together == alone, "\(lines.map { String(decoding: $0, as: UTF8.self) })")
        }
        #expect(kinds.count >= 2)
    }

    @Test(
        "A line that is no object is none behind lines that are written like it",
        arguments: [
            #"{"token":"abc","ts":01800000000}"#, #"{"token":"abc","ts":00}"#, #"{"token":"abc","ts":}"#,
            #"{"token":"abc","ts":1800000000}}"#, #"{"token":"abc","ts":1800000000} {}"#, #"{"token":"abc","ts":1,}"#,
            #"{"token":"abc","ts":1800000000"#, #"{"token":"abc","ts":-}"#, #"{"token":"abc","ts":1 2}"#,
            #"{"token":"abc,"ts":1800000000}"#, #"{"token":"a"bc","ts":1800000000}"#, #"{"token":"abc""ts":1}"#,
        ]
    )
    func noObjects(line: String) throws {
        let usual = #"{"token":"abc","ts":1800000000}"#
        let found = try parts([usual, usual, line, usual, line, line, usual, usual])
        #expect(found.map(\.isObject) == [true, true, false, true, false, false, true, true])
        #expect(found.count { $0 == Parts(token: "abc", id: nil, time: 1_800_000_000) } == 5)
    }

    @Test("A line that is longer than a shape may be reads as others of its length do")
    func longLines() throws {
        let long = String(repeating: "x", count: 70_000)
        let tokens = ["short", long, "short", long, long, "short", "short", "short"]
        let lines = tokens.map { Array(#"{"token":"\#($0)","big":123456789012345678901,"id":7}"#.utf8) }
        let together = try read(lines)
        #expect(together.parts == (try lines.flatMap { try read([$0]).parts }))
        #expect(together.parts.map(\.token) == tokens)
        #expect(together.shaped == 2)
    }

    @Test("Of a line that is cut off nothing behind the cut is read, whatever the lines in front of it are like")
    func cutLine() throws {
        let usual = Array(#"{"token":"a","id":"b"}"#.utf8)
        let long = Array(#"{"token":"a","id":""#.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 1_100_000)
        let lines = [usual, usual, long + Array("\"}".utf8), usual, long, usual, usual, usual]
        let expected = Parts(token: "a", id: "\"b\"", time: nil)
        let none = Parts(token: nil, id: nil, time: nil, isObject: false)
        #expect(try read(lines).parts == lines.map { $0 == usual ? expected : none })
    }

    @Test("A number reads the same behind shorter ones, and by their shape up to 16 digits", arguments: 1...20)
    func lengthsOfNumbers(digits: Int) throws {
        let number = String("12345678901234567890".prefix(digits))
        let usual = Array(#"{"token":"abc","id":1,"ts":1800000000}"#.utf8)
        let other = Array("{\"token\":\"abc\",\"id\":\(number),\"ts\":1800000000}".utf8)
        let reading = try read([usual, usual, other, usual, usual, usual])
        #expect(try reading.parts[2] == read([other]).parts[0])
        // Not the first, nor those at the end of what is read at once.
        #expect(reading.shaped == (digits <= 16 ? 3 : 2))
    }

    @Test("One line in another shape, or in none, does not take the shape from those behind it")
    func oddLines() throws {
        let usual = Array(#"{"token":"abc","ts":1800000000,"id":"one"}"#.utf8)
        let odd = Array(#"{"token":"abc","ts":1800000000,"id":"one","agent":"é"}"#.utf8)
        let lines = (0..<400).map { $0 % 2 == 0 ? usual : odd }
        #expect(try read(lines).shaped == 198)
        let pairs = (0..<400).map { $0 % 4 < 2 ? usual : odd }
        #expect(try read(pairs).shaped == 199)
    }
}
