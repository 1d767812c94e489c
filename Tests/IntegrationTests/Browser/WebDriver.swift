// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import AsyncHTTPClient
import BearerGuard
import Foundation
import NIOCore
import NIOHTTP1

/// A real Chromium without a window, told what to do over WebDriver (W3C) by its own driver.
struct WebDriver {
    static let program = "/usr/bin/chromedriver"

    /// Whether driver and browser are there; suites that need them say that they are skipped when they are not.
    static let isInstalled: Bool = {
        let isThere = Program.isInstalled(program) && Program.isInstalled("/usr/bin/chromium")
        if !isThere { print("chromium or its driver is not installed: the tests with a browser are skipped") }
        return isThere
    }()

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// The size of a window, and whether it is a phone's.
    struct Screen: Sendable, CustomStringConvertible {
        let description: String
        let width: Int
        let height: Int
        let isPhone: Bool

        static let desktop = Screen(description: "desktop", width: 1280, height: 900, isPhone: false)
        static let phone = Screen(description: "phone", width: 390, height: 844, isPhone: true)
    }

    private let base: String

    /// Runs `body` with a fresh browser.
    static func run(_ screen: Screen, _ body: (WebDriver) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let port = try LoopbackProcess.freePort()
        let process = try LoopbackProcess(program, ["--port=\(port)"])
        defer { process.kill() }
        try await process.untilListening(port)
        var options: [(String, JSONValue)] = [
            ("binary", "/usr/bin/chromium"),
            (
                "args",
                .array(
                    [
                        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                        "--hide-scrollbars", "--no-first-run", "--disable-background-networking",
                        "--window-size=\(screen.width),\(screen.height)", "--user-data-dir=\(folder.url.path)",
                    ].map { .string($0) }
                )
            ),
        ]
        if screen.isPhone {
            let metrics: JSONValue = [
                "width": .integer(Int64(screen.width)), "height": .integer(Int64(screen.height)), "pixelRatio": 2,
            ]
            options.append(("mobileEmulation", ["deviceMetrics": metrics]))
        }
        let server = WebDriver(base: "http://127.0.0.1:\(port)")
        let capabilities: JSONValue = [
            "alwaysMatch": ["browserName": "chrome", "goog:chromeOptions": .object(options)]
        ]
        let opened = try await server.tell("POST", "/session", ["capabilities": capabilities])
        guard let id = opened.objectValue?["sessionId"]?.stringValue else {
            throw Failed(description: "no session")
        }
        let driver = WebDriver(base: "\(server.base)/session/\(id)")
        do {
            try await body(driver)
        } catch {
            _ = try? await driver.tell("DELETE", "")
            throw error
        }
        _ = try await driver.tell("DELETE", "")
    }

    private func tell(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        var request = HTTPClientRequest(url: base + path)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body.text))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = Array(buffer: try await response.body.collect(upTo: 1 << 25))
        // The limits of our own reader are too small for a screenshot.
        let object = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) as? [String: Any]
        guard response.status == .ok, let value = object?["value"] else {
            throw Failed(description: "\(method) \(path): \(String(decoding: bytes.prefix(400), as: UTF8.self))")
        }
        return Self.value(value)
    }

    private static func value(_ value: Any) -> JSONValue {
        switch value {
        case let text as String: .string(text)
        case let members as [String: Any]: .object(members.mapValues { Self.value($0) })
        case let number as NSNumber: .integer(number.int64Value)
        default: .null
        }
    }

    func open(_ url: String) async throws { _ = try await tell("POST", "/url", ["url": .string(url)]) }

    /// Where it is.
    func url() async throws -> String { try await tell("GET", "/url").stringValue ?? "" }

    /// What a person reads on the page.
    func text() async throws -> String {
        let element = try await element("body")
        return try await tell("GET", "/element/\(element)/text").stringValue ?? ""
    }

    /// Whether the page comes to show this text: a click returns before the page that it leads to is there.
    func shows(_ text: String) async throws -> Bool {
        try await comesTo { try await self.text().contains(text) }
    }

    /// Whether the browser comes to an address that begins like this.
    func isAt(_ prefix: String) async throws -> Bool {
        try await comesTo { try await url().hasPrefix(prefix) }
    }

    /// Asks again and again, for ten seconds; a page in between has no elements.
    private func comesTo(_ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<200 {
            if (try? await condition()) == true { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// The first element of a CSS selector.
    private func element(_ selector: String) async throws -> String {
        let found = try await tell("POST", "/element", ["using": "css selector", "value": .string(selector)])
        guard let id = found.objectValue?.members.first?.value.stringValue else {
            throw Failed(description: "no element \(selector)")
        }
        return id
    }

    func click(_ selector: String) async throws {
        _ = try await tell("POST", "/element/\(try await element(selector))/click", [:])
    }

    /// Clicks the link or button that a person knows by this text.
    func click(text: String) async throws {
        let path = "//*[self::button or self::a][normalize-space()='\(text)']"
        let found = try await tell("POST", "/element", ["using": "xpath", "value": .string(path)])
        guard let id = found.objectValue?.members.first?.value.stringValue else {
            throw Failed(description: "no button \(text)")
        }
        _ = try await tell("POST", "/element/\(id)/click", [:])
    }

    func type(_ text: String, into name: String) async throws {
        let element = try await element("input[name=\(name)]")
        _ = try await tell("POST", "/element/\(element)/clear", [:])
        _ = try await tell("POST", "/element/\(element)/value", ["text": .string(text)])
    }

    /// The number that a script returns.
    func number(_ script: String) async throws -> Int64? {
        try await tell("POST", "/execute/sync", ["script": .string("return \(script)"), "args": []]).integerValue
    }

    /// A picture of the page, in PNG.
    func screenshot() async throws -> Data {
        Data(base64Encoded: try await tell("GET", "/screenshot").stringValue ?? "") ?? Data()
    }
}
#endif
