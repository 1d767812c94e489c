// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

extension RejectionCode {
    /// What usually causes this and what to do, for the operator: the command line and the documentation print it.
    public var advice: String {
        switch text {
        case "missing_token":
            "Send the token as 'Authorization: Bearer …'; a proxy in between may have dropped the header."
        case "multiple_tokens": "Send exactly one Authorization header, and the token in one place only."
        case "invalid_request":
            "The header must be the word Bearer, a space and the token, without quotes or line ends."
        case "too_large":
            "Tokens over 16 KiB are refused; move groups out of the token, or ask the issuer for references."
        case "malformed":
            "This is no JWT in compact form, or its JSON is not accepted: check that it is whole, and neither encrypted nor opaque."
        case "critical_header":
            "The header demands an extension (crit, b64) that no access token needs; ask who made this token."
        case "unsupported_alg": "Add the algorithm to the allow-list if the issuer really uses it; never 'none'."
        case "wrong_issuer":
            "Compare the configured issuer with 'iss' character by character: a trailing slash or http for https is enough."
        case "unknown_key": "The issuer's key set has no such kid: rotated away, another tenant's, or forged."
        case "ambiguous_key": "Several keys could be meant: the issuer should send a kid and keep kids unique."
        case "alg_mismatch":
            "The key is for another algorithm or use; a sign of confusion at the issuer or of a forgery."
        case "invalid_key": "The key set entry is broken, private or not for signatures: tell the issuer."
        case "weak_key":
            "The key is too weak to trust (short RSA, small exponent, small-order point, known flaw): rotate it."
        case "bad_signature": "Changed on the way, signed by somebody else, or judged with another tenant's keys."
        case "wrong_type":
            "An ID token or another kind was sent: send the access token, and give the API an audience of its own."
        case "missing_claim": "The issuer does not send a claim that the policy requires."
        case "invalid_claim": "A claim has the wrong JSON type or range, or a check of yours refused it."
        case "wrong_audience": "The token is for another API: request it with this API's audience or resource."
        case "expired": "Get a new token; if it is new, compare the clocks of issuer and server."
        case "not_yet_valid", "issued_in_future":
            "Compare the clocks of issuer and server; milliseconds in a claim look like this too."
        case "revoked", "inactive": "The issuer or operator withdrew the token."
        case "cnf_mismatch":
            "The token is bound to a client certificate that was not shown, or by a method not known here."
        case "dpop_missing":
            "The token is bound to a DPoP key, and a plain bearer token proves nothing; this version checks no proofs, so request an unbound one."
        case "dpop_invalid", "dpop_replayed", "dpop_nonce_required": "Make a new DPoP proof for exactly this request."
        case "insufficient_authentication": "Let the user sign in again, as strongly as the challenge says."
        case "insufficient_scope": "Request the scope, or grant the client the role, that the route requires."
        case "keys_unavailable": "The issuer's keys could not be fetched: check its address, the network and TLS."
        default: ""
        }
    }
}
