// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Addresses that keys are never fetched from, whatever a name resolves to: link-local ones, behind which clouds hand
/// out their machines' credentials, and the metadata services that are elsewhere.
package enum ForbiddenAddress {
    /// Whether a host of a URL, or the text of an address, is one of them.
    package static func contains(_ host: String) -> Bool {
        let host = host.lowercased().prefix { $0 != "%" }
        if ["metadata.google.internal", "metadata", "instance-data"].contains(host) { return true }
        // inet_aton takes every spelling that a resolver takes: 2852039166 and 0xA9FEA9FE are 169.254.169.254 too.
        var ipv4 = in_addr()
        if unsafe inet_aton(String(host), &ipv4) != 0 {
            return contains(ipv4: unsafe withUnsafeBytes(of: ipv4) { unsafe Array($0) })
        }
        var ipv6 = in6_addr()
        if unsafe inet_pton(AF_INET6, String(host), &ipv6) == 1 {
            return contains(ipv6: unsafe withUnsafeBytes(of: ipv6) { unsafe Array($0) })
        }
        return false
    }

    private static func contains(ipv4 address: [UInt8]) -> Bool {
        // Alibaba Cloud keeps its metadata at 100.100.100.200, Oracle's old ones at 192.0.0.192.
        address.starts(with: [169, 254]) || address == [100, 100, 100, 200] || address == [192, 0, 0, 192]
    }

    /// Whether the sixteen bytes are one of them, or hold an IPv4 address that is.
    private static func contains(ipv6 address: [UInt8]) -> Bool {
        guard let first = address.first, address.count == 16 else { return true }
        if first == 0xFE, address[1] & 0xC0 == 0x80 { return true }
        if address == [0xFD, 0, 0x0E, 0xC2] + [UInt8](repeating: 0, count: 10) + [0x02, 0x54] { return true }
        let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8)
        guard address.starts(with: mapped) || address.starts(with: translated) else { return false }
        return contains(ipv4: Array(address[12...]))
    }
}
