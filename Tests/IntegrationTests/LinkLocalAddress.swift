// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Foundation

/// A link-local address on the loopback interface for the time of a test; needs root and `ip`.
enum LinkLocalAddress {
    private static let path = "/usr/sbin/ip"

    static func isPossible() async throws -> Bool {
        guard Program.isInstalled(path) else { return false }
        do {
            try await use("169.254.77.78") { _ in }
            return true
        } catch {
            return false
        }
    }

    static func use(_ address: String, _ body: (String) async throws -> Void) async throws {
        _ = try await Program.run(path, ["address", "add", "\(address)/32", "dev", "lo"])
        do {
            try await body(address)
        } catch {
            _ = try? await Program.run(path, ["address", "del", "\(address)/32", "dev", "lo"])
            throw error
        }
        _ = try await Program.run(path, ["address", "del", "\(address)/32", "dev", "lo"])
    }
}
#endif
