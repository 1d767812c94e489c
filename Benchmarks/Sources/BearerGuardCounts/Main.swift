// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import BenchmarkLoad
import Foundation

/// Counts allocations and instructions, which repeat on a busy machine as times do not, and holds them against the
/// recorded ones.
@main
enum Main {
    private static let usage = """
        USAGE: bearerguard-counts [--record | --check] [--file FILE]
               bearerguard-counts run CASE REPETITIONS

        Prints, for each case, the allocations and the instructions of one token. Instructions are counted by valgrind,
        those of verifying the signature subtracted. --record writes them to FILE, Benchmarks/counts.json unless given;
        --check compares with what is recorded there, and ends with 1 where one is over it by more than a tenth.
        """

    /// No task of its own, so that every token is decided on this thread, without the runtime's others.
    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        do {
            if arguments.first == "run", arguments.count == 3, let repetitions = Int(arguments[2]) {
                return try Case(arguments[1]).run(repetitions)
            }
            var file = Repository.benchmarks + "/counts.json"
            if let flag = arguments.firstIndex(of: "--file"), flag + 1 < arguments.count {
                file = arguments[flag + 1]
                arguments.removeSubrange(flag...(flag + 1))
            }
            guard arguments.isEmpty || arguments == ["--record"] || arguments == ["--check"] else {
                print(usage)
                exit(arguments == ["--help"] ? 0 : 2)
            }
            let recorded = try arguments == ["--check"] ? Count.recorded(in: file) : nil
            let counts = try Case.names.flatMap { try Count.all(of: $0) }
            for count in counts { print(count.text) }
            if arguments == ["--record"] { try Count.write(counts, to: file) }
            if let recorded, try !Count.areWithin(counts, recorded) { exit(1) }
        } catch {
            print("bearerguard-counts: \(error)")
            exit(2)
        }
    }
}
