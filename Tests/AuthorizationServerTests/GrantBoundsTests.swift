// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if LocalAuthorizationServer
import BearerGuard
import BearerGuardTesting
import Testing

private typealias Fixture = AuthorizationServerFixture

@Suite("What a server keeps, and for how long")
struct GrantBoundsTests {
    @Test("The oldest give way, so that there are never twice as many as promised")
    func recent() {
        var recent = Recent<Int>(limit: 3)
        for number in 0..<5 { recent["\(number)"] = number }
        #expect((0..<5).map { recent["\($0)"] } == [0, 1, 2, 3, 4])
        recent["1"] = 10
        recent["5"] = 5
        #expect((0..<6).map { recent["\($0)"] } == [nil, nil, nil, 3, 4, 5])
        recent["4"] = nil
        for number in 6..<9 { recent["\(number)"] = number }
        #expect((3..<9).map { recent["\($0)"] } == [nil, nil, nil, 6, 7, 8])
    }

    @Test("Of sixteen that come with one code at once, one gets tokens")
    func concurrentRedemption() async throws {
        let fixture = try Fixture()
        let code = try fixture.code()
        let refusals = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { try fixture.redeem(code).refusal } }
            return try await group.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
        }
        #expect(refusals == ["200 granted": 1, "400 invalid_grant": 15])
    }
}
#endif
