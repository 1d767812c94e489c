// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CommandLine
import BearerGuard
import BearerGuardAudit

/// A token taken apart: for people and for programs.
struct InspectionReport {
    let status: Int32
    private let inspection: TokenInspection
    private let time: UnixTime
    private let hasKeys: Bool

    init(_ bytes: [UInt8], policy: AuditPolicy, time: UnixTime, hasKeys: Bool) {
        inspection = policy.inspect(bytes)
        self.time = time
        self.hasKeys = hasKeys
        let hasFailed = inspection.checks.contains { if case .failed = $0.outcome { true } else { false } }
        status =
            if hasKeys, inspection.lacksKeys {
                CommandFailure.keysUnavailable
            } else {
                hasFailed || !hasKeys ? CommandFailure.findings : 0
            }
    }

    private var verdict: String {
        if !hasKeys { return "not_verified" }
        if inspection.lacksKeys { return "undecided" }
        return status == 0 ? "valid" : "invalid"
    }

    var json: JSONValue {
        let checks = inspection.checks.map { check -> JSONValue in
            var members: [(String, JSONValue)] = [("check", .string(check.name))]
            switch check.outcome {
            case .passed: members.append(("outcome", "pass"))
            case .skipped(let why): members += [("outcome", "skipped"), ("detail", .string(why))]
            case .failed(let rejection):
                members += [
                    ("outcome", "fail"), ("reason", .string(rejection.code.text)),
                    ("detail", .string(rejection.detail)),
                    ("advice", .string(rejection.code.advice)),
                ]
            }
            return .object(members)
        }
        return .object([
            ("verdict", .string(verdict)),
            ("fingerprint", .string(inspection.fingerprint.text)),
            ("judged_at", .string(time.rfc3339)),
            ("issuer", inspection.issuer.map { .string($0) } ?? .null),
            ("header", inspection.header.map { .object($0) } ?? .null),
            ("claims", inspection.claims.map { .object($0) } ?? .null),
            ("checks", .array(checks)),
        ])
    }

    var text: String {
        var lines: [String] = []
        if !hasKeys {
            lines += [
                "NOT VERIFIED: no keys were given, so anybody could have written this token.",
                "Give --jwks or --policy to check the signature.", "",
            ]
        }
        lines += section("header", inspection.header)
        lines += section("claims", inspection.claims)
        lines.append("checks at \(time.rfc3339)")
        for check in inspection.checks {
            let name = check.name + String(repeating: " ", count: max(1, 16 - check.name.count))
            switch check.outcome {
            case .passed: lines.append("  pass     \(name)")
            case .skipped(let why): lines.append("  skipped  \(name)\(why)")
            case .failed(let rejection):
                lines.append("  FAIL     \(name)\(rejection.code): \(rejection.detail)")
                lines.append("           \(String(repeating: " ", count: 16))\(rejection.code.advice)")
            }
        }
        lines += ["", "token \(inspection.fingerprint): \(verdict.replacing("_", with: " "))"]
        return lines.joined(separator: "\n")
    }

    private func section(_ title: String, _ object: JSONObject?) -> [String] {
        guard let object else { return ["\(title): not readable", ""] }
        let width = object.members.map(\.name.count).max() ?? 0
        let rows = object.members.map { member -> String in
            let name = member.name.escapedForLogs
            var row = "  \(name)\(String(repeating: " ", count: max(0, width - name.count)))  \(member.value.text)"
            if ["exp", "nbf", "iat", "auth_time"].contains(member.name), let seconds = member.value.integerValue {
                row += "  (\(UnixTime(seconds: seconds).rfc3339))"
            }
            return row
        }
        return [title] + rows + [""]
    }
}
#endif
