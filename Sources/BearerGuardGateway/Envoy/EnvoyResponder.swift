// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if Gateway
import BearerGuard
import HTTPTypes
import Hummingbird
import NIOCore
import SwiftProtobuf

/// Answers Envoy's gRPC `envoy.service.auth.v3.Authorization/Check`.
///
/// One call is one message each way, so all of gRPC that is spoken here is a frame, a content type and a trailer.
struct EnvoyResponder: HTTPResponder {
    private static let method = "/envoy.service.auth.v3.Authorization/Check"
    /// Bytes of one call; Envoy sends what it took as header fields, and no body unless told to.
    private static let messageBytes = 128 * 1024

    /// The outcome of a call, which is not that of the question in it.
    private enum Status: String {
        case ok = "0"
        case invalidArgument = "3"
        case permissionDenied = "7"
        case unimplemented = "12"
    }

    let questions: GatewayQuestions

    func respond(to request: Request, context: GatewayRequestContext) async throws -> Response {
        let current = questions.state.current
        guard questions.admits(context.peer, by: current) else { return Self.failed(.permissionDenied) }
        let isCall = request.method == .post && request.headers[.contentType]?.hasPrefix("application/grpc") == true
        guard isCall else { return Response(status: .unsupportedMediaType) }
        guard request.head.path == Self.method else { return Self.failed(.unimplemented) }
        guard let body = try? await request.body.collect(upTo: Self.messageBytes), let call = Self.call(in: body)
        else { return Self.failed(.invalidArgument) }
        let asked = call.attributes.request.http
        let answer = await questions.answer(asked.credentials, by: current) {
            () throws(GatewayDialect.Misunderstanding) in
            try OriginalRequest(toldMethod: asked.method, target: asked.path, host: asked.host)
        }
        let response =
            switch answer {
            case .overloaded: Bearerguard_Envoy_CheckResponse(status: 503, fields: [("retry-after", "1")])
            case .decided(let outcome): Self.response(outcome.answer, by: current.policy)
            }
        return Self.answered(response)
    }

    private static func response(
        _ answer: GatewayPolicy.Answer,
        by policy: GatewayPolicy
    ) -> Bearerguard_Envoy_CheckResponse {
        switch answer {
        case .refused(let refusal):
            Bearerguard_Envoy_CheckResponse(
                status: refusal.httpStatus,
                fields: refusal.headerFields.map { ($0.name, $0.value) }
            )
        case .allowed(let identity):
            Bearerguard_Envoy_CheckResponse(identity: identity, among: policy.identityNames)
        }
    }

    /// The message of the one frame that a call is.
    private static func call(in body: ByteBuffer) -> Bearerguard_Envoy_CheckRequest? {
        var body = body
        // No compression is offered, so none is taken.
        guard body.readInteger(as: UInt8.self) == 0, let length = body.readInteger(as: UInt32.self),
            Int(length) == body.readableBytes
        else { return nil }
        return try? Bearerguard_Envoy_CheckRequest(serializedBytes: Array(body.readableBytesView))
    }

    private static func answered(_ message: Bearerguard_Envoy_CheckResponse) -> Response {
        guard let bytes: [UInt8] = try? message.serializedBytes() else { return failed(.invalidArgument) }
        var frame = ByteBuffer()
        frame.writeInteger(0 as UInt8)
        frame.writeInteger(UInt32(truncatingIfNeeded: bytes.count))
        frame.writeBytes(bytes)
        return response(.ok, frame)
    }

    private static func failed(_ status: Status) -> Response { response(status, nil) }

    private static func response(_ status: Status, _ frame: ByteBuffer?) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/grpc"],
            body: .init { writer in
                if let frame { try await writer.write(frame) }
                try await writer.finish(HTTPField.Name("grpc-status").map { [$0: status.rawValue] })
            }
        )
    }
}

extension Bearerguard_Envoy_AttributeContext.HttpRequest {
    /// Envoy joins fields of one name by commas, unless it sends them one by one.
    fileprivate var credentials: RequestCredentials {
        guard !hasHeaderMap else {
            let values = headerMap.headers.filter { $0.key.lowercased() == "authorization" }
            return RequestCredentials(
                authorization: values.map {
                    $0.rawValue.isEmpty ? $0.value : String(decoding: $0.rawValue, as: UTF8.self)
                }
            )
        }
        return RequestCredentials(authorization: headers["authorization"])
    }
}

extension Bearerguard_Envoy_CheckResponse {
    /// Lets the request pass with these fields; what a client sent by their names, or by those of claims that the token
    /// does not have, goes.
    fileprivate init(identity: [(name: String, value: String)], among names: [String]) {
        self.init()
        status = Bearerguard_Envoy_Status()
        okResponse.headers = identity.map { Bearerguard_Envoy_HeaderValueOption($0.name, $0.value) }
        let sent = Set(identity.map { $0.name.lowercased() })
        okResponse.headersToRemove =
            ["authorization"]
            + names.flatMap { IdentityField.spellings(of: $0.lowercased()) }.filter { !sent.contains($0) }
    }

    /// Refuses the request with a status for its client.
    fileprivate init(status code: Int, fields: [(String, String)]) {
        self.init()
        // Envoy looks at nothing but whether it is 0: PERMISSION_DENIED.
        status.code = 7
        deniedResponse.status.code = Int32(truncatingIfNeeded: code)
        var named: Set<String> = []
        deniedResponse.headers = fields.map { name, value in
            let isFirst = named.insert(name.lowercased()).inserted
            return Bearerguard_Envoy_HeaderValueOption(name, value, replacing: isFirst)
        }
    }
}

extension Bearerguard_Envoy_HeaderValueOption {
    fileprivate init(_ name: String, _ value: String, replacing: Bool = true) {
        self.init()
        header.key = name.lowercased()
        header.value = value
        appendAction = replacing ? .overwriteIfExistsOrAdd : .appendIfExistsOrAdd
    }
}
#endif
