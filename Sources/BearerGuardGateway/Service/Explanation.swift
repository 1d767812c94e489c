// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
package import BearerGuard

/// Which rule holds for a request, what is decided and why: what an operator asks before a deployment or after a
/// complaint.
///
/// It shows nothing of the token but its fingerprint.
package struct Explanation: Sendable {
    /// The status that the gateway would get.
    package let status: Int
    /// The explanation, a few lines.
    package let text: String

    /// Decides about a request as the service would.
    ///
    /// - Parameters:
    ///   - method: of the request.
    ///   - url: of the request, or its path.
    ///   - token: what follows `Bearer `, if anything does.
    ///   - document: the configuration.
    ///   - directory: where its relative file names start.
    /// - Throws: ``ConfigurationError`` when the configuration names files that cannot be used.
    package init(
        of method: String,
        _ url: String,
        token: String?,
        by document: GatewayDocument,
        relativeTo directory: String
    ) async throws(ConfigurationError) {
        let (host, target) = Self.split(url)
        let original: OriginalRequest
        do throws(GatewayDialect.Misunderstanding) {
            original = try OriginalRequest(toldMethod: method, target: target, host: host)
        } catch {
            status = RejectionCode.invalidRequest.httpStatus
            text = "refused   \(status) \(RejectionCode.invalidRequest): \(error.detail)"
            return
        }
        let log = GatewayLog(level: .warning)
        let state = try GatewayState(document, relativeTo: directory, log: log)
        let credentials = RequestCredentials(authorization: token.map { "Bearer \($0)" })
        let outcome = await state.current.policy.decide(original, credentials)
        await state.close()
        let rule = document.rules.rule(for: original)
        var lines = ["rule      " + (rule.map { "\($0.place): \($0.summary)" } ?? "none is about this request")]
        switch outcome.answer {
        case .allowed(let identity):
            status = 200
            lines.append("allowed   200" + (outcome.isOpen ? ", no token was looked at" : ""))
            for field in identity { lines.append("identity  \(field.name), \(field.value.utf8.count) bytes") }
        case .refused(let refusal):
            status = refusal.httpStatus
            lines.append("refused   \(status) \(refusal.code)" + (outcome.detail.map { ": \($0)" } ?? ""))
            for field in refusal.headerFields { lines.append("answer    \(field.name): \(field.value)") }
            if outcome.detail == nil { lines.append("advice    \(refusal.code.advice)") }
        }
        text = lines.joined(separator: "\n")
    }

    /// Host and target of a URL; a path is a target alone.
    private static func split(_ url: String) -> (host: String?, target: String) {
        guard let scheme = ["https://", "http://"].first(where: { url.hasPrefix($0) }) else { return (nil, url) }
        let rest = url.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest[host.endIndex...]
        return (String(host), target.hasPrefix("/") ? String(target) : "/\(target)")
    }
}
#endif
