// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import BearerGuardGateway
import BearerGuardTesting
import Foundation
import Testing

/// The demo and the authorization server in a real browser.
@Suite("The authorization code flow in Chromium", .serialized, .enabled(if: WebDriver.isInstalled))
struct BrowserFlowTests {
    /// A page fits its screen, and its picture is kept where the environment names a folder.
    private static func look(_ driver: WebDriver, _ screen: WebDriver.Screen, _ name: String) async throws {
        let width = try await driver.number("document.documentElement.scrollWidth")
        let window = try await driver.number("window.innerWidth")
        #expect(width == window, "\(name) is wider than the screen")
        #expect(try await driver.number("performance.getEntriesByType('resource').length") == 0)
        let picture = try await driver.screenshot()
        #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]) && picture.count > 5000)
        guard let folder = ProcessInfo.processInfo.environment["BEARERGUARD_SCREENSHOTS"] else { return }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try picture.write(to: URL(fileURLWithPath: folder).appendingPathComponent("\(name)-\(screen).png"))
    }

    @Test(
        "A new user registers, consents, calls with and without the scope, refreshes, outlives a rotation and signs out",
        arguments: [WebDriver.Screen.desktop, .phone]
    )
    func walk(_ screen: WebDriver.Screen) async throws {
        let printed = PrintedLines()
        try await Demo.serve(print: { printed.append($0) }) { site in
            try await WebDriver.run(screen) { driver in
                try await driver.open(site.appURL)
                try await Self.look(driver, screen, "1-signed-out")
                try await driver.click(text: "Sign in")
                #expect(try await driver.isAt("\(site.server.issuer)/authorize?"))
                try await Self.look(driver, screen, "2-sign-in")
                try await driver.click(text: "Register")
                #expect(try await driver.shows("Full name"))
                for (name, text) in [("username", "bob"), ("password", "builder"), ("name", "Bob <i>Builder</i>")] {
                    try await driver.type(text, into: name)
                }
                try await Self.look(driver, screen, "3-register")
                try await driver.click("form button")
                #expect(try await driver.shows("The orders app asks, for bob"))
                try await Self.look(driver, screen, "4-consent")
                try await driver.click(text: "Allow")
                #expect(try await driver.shows("Signed in as Bob <i>Builder</i>"))
                let signedIn = try await driver.text()
                #expect(signedIn.contains("\"user-bob\"") && signedIn.contains("aud: \"https://orders.example\""))
                try await Self.look(driver, screen, "5-signed-in")
                try await driver.click(text: "GET /orders (orders:read)")
                #expect(try await driver.shows("GET /orders → 200 orders of user-bob"))
                let messages = try await driver.text()
                for number in 1...8 { #expect(messages.contains("(\(number)) "), "message \(number)") }
                try await driver.click(text: "POST /orders (orders:write)")
                #expect(
                    try await driver.shows(
                        "POST /orders → 403 Bearer realm=\"orders\", error=\"insufficient_scope\""
                    )
                )
                try await Self.look(driver, screen, "6-refused")
                try await driver.click(text: "Refresh")
                #expect(try await driver.shows("New tokens; the old refresh token is used up."))
                try await driver.click(text: "Rotate the key")
                #expect(try await driver.shows("After the rotation: GET /orders → 200"))
                try await driver.click(text: "Send a forged token")
                #expect(try await driver.shows("A forged token: GET /orders → 401"))
                try await driver.click(text: "Sign out")
                #expect(try await driver.shows("Nobody is signed in."))
                // Signed out there, too: it asks again.
                try await driver.click(text: "Sign in")
                #expect(try await driver.isAt(site.server.issuer))
                #expect(try await driver.shows("User name"))
            }
        }
        #expect(printed.lines.filter { $0.contains("eyJ") } == [])
        #expect(printed.lines.contains { $0.hasPrefix("(8) ") })
    }

    @Test("Consent that is denied and a redirect address that is not registered end without a code")
    func denied() async throws {
        try await Demo.serve(print: { _ in }) { site in
            try await WebDriver.run(.desktop) { driver in
                try await driver.open(site.appURL)
                try await driver.click(text: "Sign in")
                #expect(try await driver.isAt(site.server.issuer))
                let asked = try await driver.url()
                try await driver.type("alice", into: "username")
                try await driver.type("wrong", into: "password")
                try await driver.click("form button")
                #expect(try await driver.shows("The user name or the password is wrong."))
                try await driver.type("alice", into: "username")
                try await driver.type("alice", into: "password")
                try await driver.click("form button")
                #expect(try await driver.shows("Allow access?"))
                try await driver.click(text: "Deny")
                #expect(try await driver.shows("The authorization server answered access_denied."))
                #expect(try await driver.shows("Nobody is signed in."))
                let port = site.appURL.split(separator: ":").last ?? ""
                let moved = asked.replacingOccurrences(of: "\(port)%2Fcallback", with: "\(port)%2Fcallback2")
                #expect(moved != asked)
                try await driver.open(moved)
                #expect(try await driver.url() == moved)
                #expect(try await driver.shows("did not register this redirect_uri"))
            }
        }
    }

    @Test(
        "A code that is used twice, a wrong verifier and a stolen refresh token are refused, and what they gave is withdrawn"
    )
    func stolen() async throws {
        let landing = try FaultServer()
        defer { landing.stop() }
        // It answers 404: where the browser lands is all that counts.
        let callback = "http://127.0.0.1:\(landing.port)/callback"
        var configuration = LocalAuthorizationServer.Configuration()
        configuration.clients = [.init("web", authentication: .secret("secret"), redirectURIs: [callback])]
        configuration.users = [.init("alice", password: "alice")]
        let server = try await LocalAuthorizationServer.start(configuration)
        func post(_ endpoint: LocalAuthorizationServer.Endpoint, _ parameters: [(name: String, value: String)])
            async throws
            -> JSONObject
        {
            let answer = try await Curl.get(
                server.url(endpoint),
                method: "POST",
                options: ["--user", "web:secret", "--data", PercentEncoding.form(parameters)]
            )
            return try #require(try JSONDocument(Array(answer.body.utf8), limits: .document).value.objectValue)
        }
        let verifier = String(repeating: "v", count: 43)
        try await WebDriver.run(.desktop) { driver in
            /// Sends the browser for a code; alice signs in and consents when she is asked.
            func code() async throws -> String {
                let parameters: [(name: String, value: String)] = [
                    ("response_type", "code"), ("client_id", "web"), ("redirect_uri", callback),
                    ("scope", "read offline_access"), ("state", "s"),
                    ("code_challenge", ProofKey.challenge(of: verifier)), ("code_challenge_method", "S256"),
                ]
                try await driver.open("\(server.url(.authorization))?\(PercentEncoding.form(parameters))")
                if try await driver.text().contains("User name") {
                    try await driver.type("alice", into: "username")
                    try await driver.type("alice", into: "password")
                    try await driver.click("form button")
                    #expect(try await driver.shows("Allow access?"))
                    try await driver.click(text: "Allow")
                }
                #expect(try await driver.isAt(callback))
                let url = try await driver.url()
                return try #require(url.firstMatch(of: /[?&]code=([^&]+)/).map { String($0.1) })
            }
            func redeem(_ code: String, _ verifier: String) async throws -> JSONObject {
                try await post(
                    .token,
                    [
                        ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback),
                        ("code_verifier", verifier),
                    ]
                )
            }
            func isActive(_ token: JSONValue?) async throws -> JSONValue? {
                try await post(.introspection, [("token", token?.stringValue ?? "")])["active"]
            }
            let first = try await code()
            let tokens = try await redeem(first, verifier)
            #expect(try await isActive(tokens["access_token"]) == true)
            #expect(try await redeem(first, verifier)["error"] == "invalid_grant")
            #expect(try await isActive(tokens["access_token"]) == false)
            let second = try await code()
            #expect(try await redeem(second, String(repeating: "w", count: 43))["error"] == "invalid_grant")
            #expect(try await redeem(second, verifier)["error"] == "invalid_grant")
            let third = try await redeem(try await code(), verifier)
            let stolen = try #require(third["refresh_token"]?.stringValue)
            let refresh = [(name: "grant_type", value: "refresh_token"), (name: "refresh_token", value: stolen)]
            let thief = try await post(.token, refresh)
            #expect(try await isActive(thief["access_token"]) == true)
            #expect(try await post(.token, refresh)["error"] == "invalid_grant")
            #expect(try await isActive(thief["access_token"]) == false)
            #expect(try await isActive(thief["refresh_token"]) == false)
        }
        await server.stop()
    }
}
#endif
