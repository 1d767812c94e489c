// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Testing

@Suite("Times in text")
struct UnixTimeTextTests {
    @Test(
        "RFC 3339 and Unix seconds are read, everything else is refused",
        arguments: [
            ("0", 0), ("-1", -1), ("1767225600", 1_767_225_600), ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", 1_767_225_600),
            ("2024-02-29T12:30:15Z", 1_709_209_815), ("2026-01-01T01:00:00+01:00", 1_767_225_600),
            ("2025-12-31T18:30:00-05:30", 1_767_225_600), ("2026-01-01t00:00:00.999z", 1_767_225_600),
            ("1969-12-31T23:59:59Z", -1),
            ("2025-02-29T00:00:00Z", nil), ("2026-13-01T00:00:00Z", nil), ("2026-01-01", nil),
            ("2026-01-01T24:00:00Z", nil),
            ("2026-01-01T00:00:00", nil), ("2026-01-01T00:00:00Zx", nil), ("2026-01-01T00:00:00.Z", nil), ("", nil),
            ("now", nil),
            ("99999999999999999999", nil), ("253402300799", 253_402_300_799), ("253402300800", nil),
            ("1767225600000", nil), ("2026-01-01T00:00:00+1:00", nil),
        ] as [(String, Int64?)]
    )
    func reading(_ text: String, _ seconds: Int64?) {
        #expect(UnixTime(text: text)?.seconds == seconds)
    }

    @Test(
        "Writing and reading a time are inverse",
        arguments: [-1, 0, 951_782_400, 1_709_164_800, 1_767_225_599, 4_102_444_800] as [Int64]
    )
    func writing(_ seconds: Int64) {
        #expect(UnixTime(text: UnixTime(seconds: seconds).rfc3339)?.seconds == seconds)
    }
}
