// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation
import Testing

@Suite("Output of the demo")
struct DemoOutputTests {
    @Test("A demo whose lines cannot be written says so and ends with 2")
    func fullDisk() throws {
        let program = try #require(Program.built)
        let shell = URL(fileURLWithPath: "/bin/sh")
        let answer = try Program.run(["-c", #"exec "$0" demo >/dev/full"#, program.path], program: shell)
        #expect(answer.errors == "bearerguard: cannot write the result: No space left on device\n")
        #expect(answer.status == 2)
    }
}
#endif
