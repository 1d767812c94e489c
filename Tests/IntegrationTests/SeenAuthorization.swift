// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import Hummingbird
import Synchronization

/// A server that notes which `Authorization` it was sent.
final class SeenAuthorization: Sendable {
    private let state = Mutex<[String]>([])

    var values: [String] { state.withLock { $0 } }

    func serve(_ body: (String) async throws -> Void) async throws {
        let router = Router()
        router.get("/") { request, _ in
            self.state.withLock { $0 += request.headers[values: .authorization] }
            return "ok"
        }
        try await LoopbackServer.serve(router, body)
    }
}
#endif
