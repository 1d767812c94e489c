// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

#if CInterface
import BearerGuard
public import CBearerGuard
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a C program holds as `bearerguard *`.
private final class CGuard: Sendable {
    let requestGuard: RequestGuard
    private let requirement: Requirement
    private let requirements = Mutex<[String: Requirement]>([:])
    private static let maximumRequirements = 256

    init(_ policy: PolicyDocument, directory: String) throws(ConfigurationError) {
        for issuer in policy.issuers where issuer.isFetched {
            throw ConfigurationError(
                "issuer \(issuer.alias): its keys would be fetched; name a file that is kept fresh"
            )
        }
        // The closure makes files be followed; it is never called, as no issuer is fetched.
        let issuers = try policy.trustedIssuers(relativeTo: directory) { issuer throws(ConfigurationError) in
            throw ConfigurationError("issuer \(issuer.alias): its keys would be fetched")
        }
        requestGuard = try RequestGuard(issuers: issuers, realm: policy.realm)
        requirement = policy.requirement
    }

    func decide(_ authorization: [String], _ requirement: Requirement) -> Decision {
        requestGuard.authorizeAtOnce(RequestCredentials(authorization: authorization), requiring: requirement)
    }

    /// The decision about a token that was verified before; nil where it was not.
    func recall(_ field: UnsafePointer<CChar>, _ requirement: Requirement) -> Decision? {
        let bytes = unsafe UnsafeRawBufferPointer(start: field, count: strlen(field)).assumingMemoryBound(
            to: UInt8.self
        )
        return unsafe requestGuard.recall(field: bytes.span, requiring: requirement)
    }

    /// What a text of scopes demands: a program has few of them, and asks with one again and again.
    func requirement(of scopes: String) -> Requirement {
        if scopes.isEmpty { return requirement }
        if let known = requirements.withLock({ $0[scopes] }) { return known }
        let made = requirement.and(.scopes(scopes.split(separator: " ").map(String.init)))
        requirements.withLock { requirements in
            if requirements.count < Self.maximumRequirements { requirements[scopes] = made }
        }
        return made
    }
}

/// See `bearerguard.h`.
@_cdecl("bearerguard_open")
public func bearerguardOpen(
    _ policy: UnsafePointer<CChar>?,
    _ length: Int,
    _ directory: UnsafePointer<CChar>?,
    _ fault: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> OpaquePointer? {
    let message: String
    do {
        guard let policy = unsafe policy, length >= 0 else { throw ConfigurationError("there is no policy") }
        let text = unsafe Array(UnsafeRawBufferPointer(start: policy, count: length))
        let folder = unsafe directory.map { unsafe String(cString: $0) } ?? ""
        let opened = try CGuard(try PolicyDocument(json: text), directory: folder)
        return unsafe OpaquePointer(Unmanaged.passRetained(opened).toOpaque())
    } catch let error as ConfigurationError {
        message = error.message
    } catch {
        message = "\(error)"
    }
    unsafe fault?.pointee = strdup(message)
    return nil
}

/// See `bearerguard.h`.
@_cdecl("bearerguard_close")
public func bearerguardClose(_ opened: OpaquePointer?) {
    guard let opened = unsafe opened else { return }
    unsafe Unmanaged<CGuard>.fromOpaque(UnsafeRawPointer(opened)).release()
}

/// See `bearerguard.h`.
@_cdecl("bearerguard_judge")
public func bearerguardJudge(
    _ opened: OpaquePointer?,
    _ authorization: UnsafePointer<UnsafePointer<CChar>?>?,
    _ count: Int,
    _ scopes: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<bearerguard_answer>? {
    guard let opened = unsafe opened, count >= 0 else { return nil }
    let held = unsafe Unmanaged<CGuard>.fromOpaque(UnsafeRawPointer(opened)).takeUnretainedValue()
    let requirement = unsafe held.requirement(of: scopes.map { unsafe String(cString: $0) } ?? "")
    // Seen before, it need not become a text.
    if count == 1, let field = unsafe authorization?.pointee, let decision = unsafe held.recall(field, requirement) {
        return unsafe answer(decision)
    }
    var fields: [String] = []
    for index in 0..<count {
        guard let field = unsafe authorization?[index] else { return nil }
        unsafe fields.append(String(cString: field))
    }
    return unsafe answer(held.decide(fields, requirement))
}

/// See `bearerguard.h`.
@_cdecl("bearerguard_answer_free")
public func bearerguardAnswerFree(_ answer: UnsafeMutablePointer<bearerguard_answer>?) { unsafe free(answer) }

/// See `bearerguard.h`.
@_cdecl("bearerguard_text_free")
public func bearerguardTextFree(_ text: UnsafeMutablePointer<CChar>?) { unsafe free(text) }

/// See `bearerguard.h`.
@_cdecl("bearerguard_version")
public func bearerguardVersion() -> UnsafePointer<CChar>? {
    unsafe UnsafeRawPointer(versionText.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// Static, so that its bytes stay where they are.
private let versionText: StaticString = "0.1.0"

private func answer(_ decision: Decision) -> UnsafeMutablePointer<bearerguard_answer>? {
    switch decision {
    case .authorized(let token):
        // As the issuer wrote them: making them anew takes ten times as long as everything else.
        let object = token.claims.object
        let claims = object.tokenText ?? Array(JSONValue.object(object).text.utf8)[...]
        let subject = token.subject.flatMap { $0.utf8.contains(0) ? nil : $0 }
        return unsafe answer(status: 200, code: "authorized", claims: claims, subject: subject)
    // No function asks for it.
    case .anonymous: return unsafe answer(status: 401, code: RejectionCode.missingToken.text)
    case .refused(let refusal):
        return unsafe answer(
            status: refusal.httpStatus,
            code: refusal.code.text,
            retryAfter: refusal.retryAfter ?? 0,
            challenge: refusal.challenges.first?.headerValue
        )
    }
}

/// An answer and all its texts in one piece of memory, so that it is made and freed by one call; nil where there is none.
private func answer(
    status: Int,
    code: String,
    retryAfter: Int = 0,
    challenge: String? = nil,
    claims: ArraySlice<UInt8>? = nil,
    subject: String? = nil
) -> UnsafeMutablePointer<bearerguard_answer>? {
    func room(_ text: (some Collection<UInt8>)?) -> Int { text.map { $0.count + 1 } ?? 0 }
    let beginning = unsafe MemoryLayout<bearerguard_answer>.stride
    let texts = room(code.utf8) + room(challenge?.utf8) + room(claims) + room(subject?.utf8)
    guard let memory = unsafe malloc(beginning + texts) else { return nil }
    // Behind the answer, one text after the other, each within the room that was counted for it.
    var place = beginning
    func keep(_ text: (some Collection<UInt8>)?) -> UnsafePointer<CChar>? {
        guard let text else { return nil }
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: memory + place, count: text.count + 1)
        unsafe bytes.copyBytes(from: text)
        unsafe bytes[text.count] = 0
        place += bytes.count
        return unsafe UnsafePointer(bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
    }
    let answer = unsafe memory.bindMemory(to: bearerguard_answer.self, capacity: 1)
    unsafe answer.initialize(
        to: bearerguard_answer(
            status: Int32(clamping: status),
            retry_after: Int32(clamping: retryAfter),
            code: unsafe keep(code.utf8),
            challenge: unsafe keep(challenge?.utf8),
            claims: unsafe keep(claims),
            claims_length: claims?.count ?? 0,
            subject: unsafe keep(subject?.utf8)
        )
    )
    return unsafe answer
}
#else
/// Nothing without its trait: build with `--traits CInterface`.
@available(*, unavailable, message: "turn on the trait CInterface of the package BearerGuard")
public enum BearerGuardCInterfaceIsOff {}
#endif
