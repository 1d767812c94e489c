// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

extension String {
    /// Printable ASCII alone, at most 128 characters: text from a token can forge no log line and steer no terminal.
    package var escapedForLogs: String {
        if utf8.count < 128, utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }) { return self }
        var output = ""
        for scalar in unicodeScalars {
            if output.utf8.count >= 128 { return String(decoding: output.utf8.prefix(127), as: UTF8.self) + "~" }
            if (" "..."~").contains(scalar), scalar != "\\" {
                output.unicodeScalars.append(scalar)
            } else {
                output += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return output
    }
}
