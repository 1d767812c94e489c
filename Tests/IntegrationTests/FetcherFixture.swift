// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardAsyncHTTPClient

extension AsyncHTTPClientFetcher {
    /// Runs `body` with a fetcher and closes its connections afterwards.
    static func use(
        _ options: Options = Options(),
        _ body: (AsyncHTTPClientFetcher) async throws -> Void
    ) async throws {
        let fetcher = try AsyncHTTPClientFetcher(options: options)
        do {
            try await body(fetcher)
        } catch {
            await fetcher.shutdown()
            throw error
        }
        await fetcher.shutdown()
    }
}

extension FetchRequest {
    /// A request with room and time enough, where a test does not say otherwise.
    static func get(
        _ url: String,
        maximumBytes: Int = 4_096,
        deadline: Duration = .seconds(30),
        entityTag: String? = nil,
        lastModified: String? = nil
    ) -> FetchRequest {
        FetchRequest(
            url: url,
            maximumBytes: maximumBytes,
            deadline: deadline,
            entityTag: entityTag,
            lastModified: lastModified
        )
    }
}
#endif
