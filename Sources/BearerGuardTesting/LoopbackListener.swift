// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A listening socket on 127.0.0.1 whose port stays the same while it is closed and opened.
final class LoopbackListener: Sendable {
    private let descriptor: Mutex<Int32?>
    let port: Int
    private let address: String

    init(_ address: String) throws(ConfigurationError) {
        self.address = address
        let (descriptor, port) = try Self.open(address, port: 0)
        self.descriptor = Mutex(descriptor)
        self.port = port
    }

    /// Listens again.
    func listen() throws(ConfigurationError) {
        let opened = try Self.open(address, port: port).descriptor
        descriptor.withLock { $0 = opened }
    }

    /// The next connection; nil once the socket is closed.
    func next() -> Int32? {
        guard let listening = descriptor.withLock({ $0 }) else { return nil }
        while true {
            let connection = accept(listening, nil, nil)
            if connection >= 0 { return connection }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    /// Refuses from now on.
    func refuse() { close() }

    func close() {
        guard
            let open = descriptor.withLock({ descriptor in
                defer { descriptor = nil }
                return descriptor
            })
        else { return }
        // Wakes the thread that accepts.
        shutdown(open, Int32(SHUT_RDWR))
        systemClose(open)
    }

    private static func open(_ host: String, port: Int) throws(ConfigurationError) -> (descriptor: Int32, port: Int) {
        #if canImport(Darwin)
        let kind = SOCK_STREAM
        #else
        let kind = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        var yes: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        unsafe inet_aton(host, &address.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && systemListen(descriptor, 1024) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else {
            systemClose(descriptor)
            throw ConfigurationError("no port of \(host) could be had")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }
}

/// Named apart because `close` and `listen` are methods above.
private func systemClose(_ descriptor: Int32) { close(descriptor) }
private func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 { listen(descriptor, backlog) }
