// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import HTTPTypes
import NIOHTTP1

/// The head of a request by which a gateway asks, in the types of whoever reads it.
protocol GatewayQuestion {
    /// The method that the gateway itself used.
    var ownMethod: String { get }
    /// The target that the gateway itself asked at.
    var ownTarget: String { get }
    /// The values of all fields of this name, none joined.
    func values(of name: String) -> [String]
}

extension GatewayQuestion {
    /// What the client showed.
    var credentials: RequestCredentials { RequestCredentials(authorization: values(of: "Authorization")) }
}

extension HTTPRequestHead: GatewayQuestion {
    var ownMethod: String { method.rawValue }
    var ownTarget: String { uri }

    func values(of name: String) -> [String] { headers[name] }
}

extension HTTPRequest: GatewayQuestion {
    var ownMethod: String { method.rawValue }
    var ownTarget: String { path ?? "" }

    func values(of name: String) -> [String] {
        guard let field = HTTPField.Name(name) else { return [] }
        let values = headerFields[values: field]
        // The first Host is not among the fields.
        guard name == "Host", let authority else { return values }
        return [authority] + values
    }
}
#endif
