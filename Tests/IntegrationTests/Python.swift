// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// A Python with packages of its index, for programs that share no code with us.
enum Python {
    /// A Python that has these modules; nil, said in the output, where there is none.
    static func with(_ modules: String...) async -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
        for path in folders.map({ "\($0)/python3" }) where Program.isInstalled(path) {
            let imports = "import \(modules.joined(separator: ", "))"
            if (try? await Program.run(path, ["-c", imports])) != nil { return path }
        }
        print("skipped: no Python with \(modules.joined(separator: ", "))")
        return nil
    }
}
#endif
