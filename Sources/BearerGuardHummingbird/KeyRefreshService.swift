// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Hummingbird
public import BearerGuard
public import ServiceLifecycle

/// Keeps the keys of issuers fresh for as long as a service group runs.
///
/// ```swift
/// var app = Application(router: router)
/// app.addServices(KeyRefreshService(keys))
/// ```
///
/// Without it keys are refreshed as requests come; with it also in quiet hours, and rotations are seen before anybody
/// needs them.
public struct KeyRefreshService: Service {
    private let sources: [RemoteKeys]

    /// A service for these keys.
    public init(_ sources: RemoteKeys...) {
        self.sources = sources
    }

    /// Runs until the group shuts down or the task is cancelled.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for source in sources { group.addTask { await source.run() } }
            }
        }
    }
}
#endif
