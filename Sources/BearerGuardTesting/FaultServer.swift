// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

public import BearerGuard
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A real server on loopback, over TCP or TLS, that does what providers and networks do on their bad days.
///
/// ```swift
/// let server = try FaultServer()
/// defer { server.stop() }
/// server.script("/jwks", .json(issuer.keySet), .hang)
/// let keys = try RemoteKeys(jwksURL: server.url("/jwks"), fetcher: fetcher, allowsLoopbackHTTP: true)
/// ```
///
/// Each connection has a thread of its own and one exchange.
public final class FaultServer: Sendable {
    /// What to do with one request.
    public enum Answer: Sendable {
        /// Answers.
        case respond(FetchResponse)
        /// Ends the connection by RST, having read the request.
        case reset
        /// Reads the request and says nothing, until the client gives up or the server stops.
        case hang
        /// Answers, with a pause of so many milliseconds after each byte of the body.
        case drip(FetchResponse, milliseconds: Int32)
        /// Answers with half of the body that its length promises, and ends the connection.
        case truncate(FetchResponse)
        /// Answers with a length that is off by so many bytes.
        case misstate(FetchResponse, by: Int)
        /// Answers with a body of so many bytes that are no JSON.
        case oversize(Int)

        /// 200 with a JSON body.
        public static func json(_ text: String, fields: [String: String] = [:]) -> Answer {
            let fields = fields.merging(["Content-Type": "application/json"]) { own, _ in own }
            return .respond(FetchResponse(status: 200, fields: fields, body: Array(text.utf8)))
        }

        /// A bare status.
        public static func status(_ status: Int, fields: [String: String] = [:]) -> Answer {
            .respond(FetchResponse(status: status, fields: fields))
        }

        /// What a captive portal answers to everything.
        public static let captivePortal = Answer.respond(
            FetchResponse(
                status: 200,
                fields: ["Content-Type": "text/html"],
                body: Array("<html><body>Welcome to our network</body></html>".utf8)
            )
        )

        /// A redirect.
        public static func redirect(to location: String) -> Answer { .status(302, fields: ["Location": location]) }
    }

    private struct State {
        var answers: [String: [Answer]] = [:]
        var counts: [String: Int] = [:]
        var connections: Set<Int32> = []
        var threads = 0
        var isStopped = false
    }

    private let state = Mutex(State())
    private let listener: LoopbackListener
    private let tls: FaultTLS?

    /// Starts a server on a free port of 127.0.0.1.
    ///
    /// - Parameter certificate: makes it speak TLS with this certificate.
    /// - Throws: ``ConfigurationError`` when there is no port, or the certificate cannot be used.
    public convenience init(certificate: TestCertificate? = nil) throws(ConfigurationError) {
        try self.init(address: "127.0.0.1", certificate: certificate)
    }

    package init(address: String, certificate: TestCertificate? = nil) throws(ConfigurationError) {
        tls = try certificate.map { certificate throws(ConfigurationError) in try FaultTLS(certificate) }
        listener = try LoopbackListener(address)
        start { server in server.acceptAll() }
    }

    deinit { listener.close() }

    /// The port that it listens on, also while it refuses.
    public var port: Int { listener.port }

    /// The address of a path, with the host name `localhost`.
    public func url(_ path: String) -> String { "\(tls == nil ? "http" : "https")://localhost:\(port)\(path)" }

    /// Sets what is done with requests for `path`: one after the other, the last again and again; 404 where nothing is set.
    public func script(_ path: String, _ answers: Answer...) {
        state.withLock { $0.answers[path] = answers }
    }

    /// How often `path` was asked for.
    public func count(of path: String) -> Int { state.withLock { $0.counts[path] ?? 0 } }

    /// Refuses connections from now on, on the same port.
    public func refuse() { listener.refuse() }

    /// Accepts connections again.
    ///
    /// - Throws: ``ConfigurationError`` when the port was taken meanwhile.
    public func accept() throws(ConfigurationError) {
        try listener.listen()
        start { server in server.acceptAll() }
    }

    /// Ends all connections and waits for their threads.
    public func stop() {
        listener.close()
        state.withLock { state in
            state.isStopped = true
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
        // They end by themselves now; each is detached, so that none is kept for this moment.
        while state.withLock({ $0.threads }) > 0 { usleep(1000) }
    }

    private func acceptAll() {
        while let connection = listener.next() {
            let isKept = state.withLock { state in
                if !state.isStopped { state.connections.insert(connection) }
                return !state.isStopped
            }
            guard isKept else {
                close(connection)
                return
            }
            start { server in
                server.serve(connection)
                server.state.withLock { _ = $0.connections.remove(connection) }
                close(connection)
            }
        }
    }

    private func serve(_ descriptor: Int32) {
        guard let connection = FaultConnection(descriptor, tls: tls), let path = connection.readRequest() else {
            return
        }
        let answer = state.withLock { state in
            state.counts[path, default: 0] += 1
            var answers = state.answers[path] ?? []
            let answer = answers.count > 1 ? answers.removeFirst() : answers.first
            state.answers[path] = answers
            return answer ?? .status(404)
        }
        switch answer {
        case .respond(let response): connection.send(response)
        case .reset: connection.reset()
        case .hang: connection.waitForEnd()
        case .drip(let response, let milliseconds): connection.send(response, pausing: milliseconds)
        case .truncate(let response): connection.send(response, count: response.body.count / 2)
        case .misstate(let response, let difference):
            connection.send(response, length: response.body.count + difference)
        case .oversize(let bytes):
            connection.send(FetchResponse(status: 200, body: [UInt8](repeating: UInt8(ascii: "x"), count: bytes)))
        }
    }

    /// Runs `work` on a thread of its own: it blocks, which no task may.
    private func start(_ work: @escaping @Sendable (FaultServer) -> Void) {
        state.withLock { $0.threads += 1 }
        let box = unsafe Unmanaged.passRetained(ThreadWork(server: self, work: work))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                // A client that went away must not end the process.
                var signals = sigset_t()
                unsafe sigemptyset(&signals)
                unsafe sigaddset(&signals, SIGPIPE)
                unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
                guard let argument = unsafe argument else { return nil }
                let work = unsafe Unmanaged<ThreadWork>.fromOpaque(argument).takeRetainedValue()
                work.work(work.server)
                work.server.state.withLock { $0.threads -= 1 }
                return nil
            },
            box.toOpaque()
        )
        guard code == 0 else {
            state.withLock { $0.threads -= 1 }
            return unsafe box.release()
        }
        pthread_detach(thread)
    }
}

private final class ThreadWork: Sendable {
    let server: FaultServer
    let work: @Sendable (FaultServer) -> Void

    init(server: FaultServer, work: @escaping @Sendable (FaultServer) -> Void) {
        self.server = server
        self.work = work
    }
}
