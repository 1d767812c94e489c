// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if HTTPTypes
public import BearerGuard
public import HTTPTypes

extension RequestCredentials {
    /// The credentials of a request: the value of every `Authorization` field, none joined.
    public init(_ fields: HTTPFields) {
        var only: String?
        for field in fields where field.name == .authorization {
            guard only == nil else {
                self.init(authorization: fields[values: .authorization])
                return
            }
            only = field.value
        }
        self.init(authorization: only)
    }
}

extension Refusal {
    /// The status of the answer.
    public var status: HTTPResponse.Status { HTTPResponse.Status(code: httpStatus) }

    /// `WWW-Authenticate`, one field a challenge, and `Retry-After`.
    public var fields: HTTPFields {
        var fields = HTTPFields()
        for field in headerFields {
            guard let name = HTTPField.Name(field.name) else { continue }
            fields.append(HTTPField(name: name, value: field.value))
        }
        return fields
    }
}

#else
/// Nothing without its trait: build with `traits: ["HTTPTypes"]`.
@available(*, unavailable, message: "turn on the trait HTTPTypes of the package BearerGuard")
public enum BearerGuardHTTPTypesIsOff {}
#endif
