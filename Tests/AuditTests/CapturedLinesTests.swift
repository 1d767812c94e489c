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

    /// What is read of the lines of a capture of objects.
    private func parts(_ lines: [String], token: String = "token", time: String = "ts") throws -> [Parts] {
        try parts(lines.map { Array($0.utf8) }, token: token, time: time)
    }

    private func parts(_ lines: [[UInt8]], token: String = "token", time: String = "ts") throws -> [Parts] {
        let file = try captureFile(lines.joined(separator: [UInt8(ascii: "\n")]))
        defer { try? file.close() }
        var reader = CaptureReader(descriptor: file.fileDescriptor)
        var parts: [Parts] = []
        while let batch = try reader.next(unless: { false }) {
            unsafe batch.withBytes { bytes in
                let format = CaptureFormat.ndjson(tokenField: token, timeField: time)
                var lines = unsafe CapturedLines(bytes, of: batch, format, at: nil)
                for index in lines.all.indices { lines.settle(index, format.fields, at: nil) }
                func text(_ text: CapturedLine.Text) -> String {
                    unsafe lines.withBytes(of: text) { unsafe String(decoding: $0, as: UTF8.self) }
                }
                for line in lines.all {
                    let token: String? = if case .token(let place) = line.content { text(place) } else { nil }
                    let isObject = if case .noObject = line.content { false } else { true }
                    parts.append(
                        Parts(token: token, id: line.id.map(text), time: line.time?.seconds, isObject: isObject)
                    )
                }
            }
        }
        return parts
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

    /// Lines as captures have them; each has another number in place of the sign.
    private static let shapes = [
        #"{"token":"ab.cd.ef§","ts":180000§,"src":"gw-1","id":"t§"}"#,
        #"{"id": §, "nested": {"list": ["a", 1, null, true, {}], "n": -1.5e3}, "token": "Bearer x.§"}"#,
        #"{ "a member with a name of some length" :"x§" ,"ts":"1800000§","token":"y","zero":0,"no":0.25}"#,
        #"{"token":"§"}"#,
        #"{"ts":§,"token":"","é":"é","e":"\u0041","big":123456789012345678901}"#,
        #"{"ts":§,"token":"","big":123456789012345678901,"most":123456789012345678,"id":0}"#,
    ]

    @Test(
        "A line reads the same behind others that are written like it as by itself, whatever is changed in it",
        arguments: shapes
    )
    func changedLines(shape: String) throws {
        var generator = SeededGenerator(seed: 4)
        let bytes = Array(" \"\\\"{}[]:,.-+eE0123456789truefalsnABz~\u{7F}\r\t\u{1}\u{E9}".utf8) + [0xFF, 0xC3]
        var kinds: Set<String> = []
        for round in 0..<150 {
            var lines = (0..<6).map { number in
                Array(shape.replacingOccurrences(of: "§", with: "\(1000 + round * number)").utf8)
            }
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
            let together = try parts(lines)
            let alone = try lines.flatMap { line in try parts([line]) }
            kinds.formUnion(alone.map { "\($0.isObject) \($0.token == nil)" })
            #expect(together == alone, "\(lines.map { String(decoding: $0, as: UTF8.self) })")
        }
        #expect(kinds.count == 3)
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
}
