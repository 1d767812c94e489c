// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import AsyncHTTPClient
import BearerGuardTesting
import NIOCore
import NIOHTTP1

/// Goes through pages as a person with a browser does: cookies, forms and redirects.
struct DemoBrowser {
    /// A page and where it is.
    struct Page {
        let origin: String
        let text: String

        /// What the form of this action carries unseen; nil where there is no such form.
        fileprivate func hidden(_ action: String) -> [(name: String, value: String)]? {
            let marker = "action=\"\(action)\">"
            guard let start = text.firstRange(of: marker)?.upperBound else { return nil }
            let form = text[start...].prefix(
                upTo: text[start...].firstRange(of: "</form>")?.lowerBound ?? text.endIndex
            )
            return form.matches(of: #/<input type="hidden" name="([^"]+)" value="([^"]*)">/#).map {
                (String($0.1), String($0.2))
            }
        }
    }

    // One jar will do: the names of the cookies differ.
    private var cookies: [String: String] = [:]
    private let client = HTTPClient(configuration: .init(redirectConfiguration: .disallow))

    func shutdown() async { try? await client.shutdown() }

    /// Opens a page, wherever redirects lead.
    mutating func open(_ url: String) async throws -> Page { try await send(HTTPClientRequest(url: url)) }

    /// Fills in and sends the form of this action.
    mutating func submit(
        _ page: Page,
        _ action: String,
        _ values: [(name: String, value: String)] = []
    ) async throws -> Page {
        guard let hidden = page.hidden(action) else { throw DemoError.unexpectedPage }
        var request = HTTPClientRequest(url: page.origin + action)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.body = .bytes(ByteBuffer(string: PercentEncoding.form(hidden + values)))
        return try await send(request)
    }

    private mutating func send(_ first: HTTPClientRequest) async throws -> Page {
        var request = first
        for _ in 0..<10 {
            if !cookies.isEmpty {
                let pairs = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                request.headers.replaceOrAdd(name: "Cookie", value: pairs.joined(separator: "; "))
            }
            let response = try await client.execute(request, timeout: .seconds(10))
            for field in response.headers["Set-Cookie"] {
                let sides = field.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
                if sides.count == 2 { cookies[String(sides[0])] = String(sides[1]) }
            }
            let origin = request.url.split(separator: "/", maxSplits: 3).prefix(2).joined(separator: "//")
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            guard let location = response.headers.first(name: "Location") else {
                return Page(origin: origin, text: text)
            }
            request = HTTPClientRequest(url: location.hasPrefix("/") ? origin + location : location)
        }
        throw DemoError.unexpectedPage
    }
}
#endif
