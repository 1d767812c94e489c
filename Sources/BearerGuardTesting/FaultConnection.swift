// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

import BearerGuard
import COpenSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The TLS side of a fault server.
///
/// `@unchecked Sendable` is sound because the context is not changed after `init`, and OpenSSL makes connections of one
/// from many threads.
@safe final class FaultTLS: @unchecked Sendable {
    fileprivate let context: OpaquePointer

    init(_ certificate: TestCertificate) throws(ConfigurationError) {
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else {
            throw ConfigurationError("OpenSSL offers no TLS")
        }
        unsafe self.context = context
        let isUsable = unsafe certificate.key.withPair { pair in
            unsafe SSL_CTX_use_certificate(context, certificate.certificate) == 1
                && SSL_CTX_use_PrivateKey(context, pair) == 1
        }
        guard isUsable else { throw ConfigurationError("OpenSSL cannot use the certificate") }
    }

    deinit { unsafe SSL_CTX_free(context) }
}

/// One connection of a fault server: one request, one answer, blocking.
@safe
struct FaultConnection: ~Copyable {
    private let descriptor: Int32
    private let tls: OpaquePointer?

    /// Nil where the handshake fails.
    init?(_ descriptor: Int32, tls: FaultTLS?) {
        self.descriptor = descriptor
        guard let tls else {
            unsafe self.tls = nil
            return
        }
        guard let connection = unsafe SSL_new(tls.context) else { return nil }
        unsafe SSL_set_fd(connection, descriptor)
        guard unsafe SSL_accept(connection) == 1 else {
            unsafe SSL_free(connection)
            return nil
        }
        unsafe self.tls = connection
    }

    deinit {
        if let tls = unsafe tls {
            unsafe SSL_shutdown(tls)
            unsafe SSL_free(tls)
        }
    }

    /// Reads the head of a request and returns its target.
    func readRequest() -> String? {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let byte = readByte(), head.count < 16_384 else { return nil }
            head.append(byte)
        }
        let words = head.prefix { $0 != UInt8(ascii: "\r") }.split(separator: UInt8(ascii: " "))
        return words.count == 3 ? String(decoding: words[1], as: UTF8.self) : nil
    }

    /// Sends an answer.
    ///
    /// - Parameters:
    ///   - count: bytes of the body that are sent; all unless given.
    ///   - length: what `Content-Length` says; the truth unless given.
    ///   - milliseconds: pause after each byte of the body.
    func send(_ response: FetchResponse, count: Int? = nil, length: Int? = nil, pausing milliseconds: Int32 = 0) {
        var head = "HTTP/1.1 \(response.status) Scripted\r\n"
        for (name, value) in response.allFields { head += "\(name): \(value)\r\n" }
        // 204 and 304 have no body and no length.
        if response.status != 204, response.status != 304 {
            head += "Content-Length: \(length ?? response.body.count)\r\n"
        }
        write(Array((head + "Connection: close\r\n\r\n").utf8))
        let body = Array(response.body.prefix(count ?? response.body.count))
        guard milliseconds > 0 else { return write(body) }
        for byte in body {
            write([byte])
            // Ends early when the client has gone.
            if hasEnded(within: milliseconds) { return }
        }
    }

    /// Ends the connection by RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Waits until the client or the server ends the connection.
    func waitForEnd() { while !hasEnded(within: -1) {} }

    private func hasEnded(within milliseconds: Int32) -> Bool {
        var descriptors = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&descriptors, 1, milliseconds) != 0 else { return false }
        return readByte() == nil
    }

    private func readByte() -> UInt8? {
        var byte: UInt8 = 0
        if let tls = unsafe tls { return unsafe SSL_read(tls, &byte, 1) == 1 ? byte : nil }
        return unsafe recv(descriptor, &byte, 1, 0) == 1 ? byte : nil
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                if let tls = unsafe tls { return Int(unsafe SSL_write(tls, buffer.baseAddress, Int32(buffer.count))) }
                return unsafe systemSend(descriptor, buffer.baseAddress, buffer.count)
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// Named apart because `send` is a method above.
private func systemSend(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe send(descriptor, buffer, count, 0)
}
