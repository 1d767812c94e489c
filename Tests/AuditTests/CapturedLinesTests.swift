// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Foundation
import Testing

@testable import BearerGuardAudit

@Suite("The parts of captured lines")
struct CapturedLinesTests {
    private struct Parts: Equatable {
        let token: String?
        let id: String?
        let time: Int64?
    }

    /// What is read of the lines of a capture of objects.
    private func parts(_ lines: [String], token: String = "token", time: String = "ts") throws -> [Parts] {
        let file = try captureFile(lines.joined(separator: "\n").utf8)
        defer { try? file.close() }
        var reader = CaptureReader(descriptor: file.fileDescriptor)
        var parts: [Parts] = []
        while let batch = try reader.next(unless: { false }) {
            unsafe batch.withBytes { bytes in
                let format = CaptureFormat.ndjson(tokenField: token, timeField: time)
                let lines = unsafe CapturedLines(bytes, of: batch, format, at: nil)
                func text(_ text: CapturedLine.Text) -> String {
                    unsafe lines.withBytes(of: text) { unsafe String(decoding: $0, as: UTF8.self) }
                }
                for line in lines.all {
                    let token: String? = if case .token(let place) = line.content { text(place) } else { nil }
                    parts.append(Parts(token: token, id: line.id.map(text), time: line.time?.seconds))
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
}
