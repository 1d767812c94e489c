// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard

/// One figure by its name.
struct Figure {
    let name: String
    let ratio: Ratio
    /// What the figure means, for people.
    let meaning: String

    var text: String {
        func rounded(_ value: Double) -> String {
            let digits = value < 0.1 ? 10_000.0 : 100.0
            return "\((value * digits).rounded() / digits)"
        }
        let name = name + String(repeating: " ", count: max(1, 26 - name.count))
        let median = rounded(ratio.median)
        let spread = "(\(rounded(ratio.minimum))–\(rounded(ratio.maximum)))"
        return "  \(name)\(median)\(String(repeating: " ", count: max(1, 10 - median.count)))\(spread)  \(meaning)"
    }

    var json: JSONValue {
        [
            "name": .string(name), "ratio": .number(ratio.median), "min": .number(ratio.minimum),
            "max": .number(ratio.maximum),
        ]
    }
}
