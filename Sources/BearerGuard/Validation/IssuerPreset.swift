// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

/// What one kind of authorization server does differently, and what a policy must make of it.
public struct IssuerPreset: Sendable {
    /// The name in policy documents.
    public let name: String
    /// What differs and why, a sentence each.
    public let differences: [String]
    /// What it signs with unless told otherwise.
    public let algorithms: Set<SignatureAlgorithm>

    let vendorTypes: [String]
    let audienceIsClientID: Bool
    let rolePaths: [ClaimPath]
    let requiredClaims: [String]
    /// What tells an access token of this issuer from its other tokens.
    let typeChecks: [ClaimCheck]
    /// Nil, or what is wrong with an issuer identifier.
    let issuerFault: @Sendable (String) -> String?
    /// Whether the issuer is a template for many tenants.
    let isMultiTenant: Bool

    init(
        name: String,
        differences: [String] = [],
        algorithms: Set<SignatureAlgorithm>,
        vendorTypes: [String] = [],
        audienceIsClientID: Bool = false,
        rolePaths: [ClaimPath] = [],
        requiredClaims: [String] = [],
        typeChecks: [ClaimCheck] = [],
        isMultiTenant: Bool = false,
        issuerFault: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.name = name
        self.differences = differences
        self.algorithms = algorithms
        self.vendorTypes = vendorTypes
        self.audienceIsClientID = audienceIsClientID
        self.rolePaths = rolePaths
        self.requiredClaims = requiredClaims
        self.typeChecks = typeChecks
        self.isMultiTenant = isMultiTenant
        self.issuerFault = issuerFault
    }

    /// Any issuer that follows the standards.
    public static let standard = IssuerPreset(name: "standard", algorithms: .recommended)

    /// Okta custom authorization servers.
    public static let okta = IssuerPreset(
        name: "okta",
        differences: [
            "scopes are in 'scp' and the client is in 'cid', because Okta's tokens are older than RFC 9068",
            "'cid' is required, because Okta's ID tokens have none and are otherwise alike",
            "an org server (no /oauth2/… in the issuer) is refused: its access tokens are for Okta alone, and Okta says not to validate them",
        ],
        algorithms: .okta,
        vendorTypes: ["application/okta-internal-at+jwt"].map(MediaType.normalized),
        rolePaths: ["groups"],
        requiredClaims: ["cid"],
        issuerFault: { issuer in
            if issuer.holds("-admin.okta.com") || issuer.holds(".com.com") {
                return "this is the address of Okta's admin console; the issuer has no '-admin'"
            }
            guard issuer.holds("/oauth2/") else {
                return "an Okta org authorization server signs access tokens for Okta's own APIs alone; "
                    + "use a custom one, such as https://ORG.okta.com/oauth2/default"
            }
            return nil
        }
    )

    /// Auth0 tenants.
    public static let auth0 = IssuerPreset(
        name: "auth0",
        differences: [
            "the issuer ends in a slash, because Auth0's does",
            "permissions are at 'permissions' and count as roles, because Auth0's RBAC puts them there",
            "the client is in 'azp', because the default profile of Auth0 is older than RFC 9068",
        ],
        algorithms: [.rs256],
        rolePaths: ["permissions"],
        issuerFault: { $0.hasSuffix("/") ? nil : "an Auth0 issuer ends in '/', as in https://TENANT.auth0.com/" }
    )

    /// Microsoft Entra ID, one tenant.
    public static let entra = IssuerPreset(
        name: "entra",
        differences: [
            "scopes are in 'scp' as one text, app roles in 'roles'",
            "one of 'scp' and 'roles' is required, because an ID token of the same app has the same audience and key and neither claim",
            "the issuer names one tenant: 'common' and 'organizations' sign for everybody who has an account",
        ],
        algorithms: [.rs256],
        rolePaths: ["roles"],
        typeChecks: [entraAccessToken],
        issuerFault: { issuer in
            let tenants = ["/common", "/organizations", "/consumers"]
            guard !tenants.contains(where: issuer.holds) else {
                return "name the tenant by its id: 'common', 'organizations' and 'consumers' are no issuers"
            }
            return nil
        }
    )

    private static let entraAccessToken = ClaimCheck("neither scp nor roles: the shape of an ID token") {
        $0["scp"] != nil || $0["roles"] != nil
    }

    /// Microsoft Entra ID, many tenants: `https://login.microsoftonline.com/{tenantid}/v2.0`.
    public static let entraMultiTenant = IssuerPreset(
        name: "entra-multi-tenant",
        differences: [
            "the issuer has the place {tenantid}, which must be the token's own 'tid': all tenants share keys",
            "the tenants must be listed, or 'any' said, because everybody with an account gets tokens of some tenant",
            "a key that names an issuer is good for that issuer alone, because Entra publishes keys of one tenant among those of all",
            "metadata are at /common/v2.0/.well-known/openid-configuration",
        ],
        algorithms: [.rs256],
        rolePaths: ["roles"],
        requiredClaims: ["tid"],
        typeChecks: [entraAccessToken],
        isMultiTenant: true,
        issuerFault: { issuer in
            IssuerTemplate(issuer) == nil
                ? "name the place of the tenant, as in https://login.microsoftonline.com/{tenantid}/v2.0" : nil
        }
    )

    /// Kubernetes service accounts, by projected tokens with an audience of your own.
    public static let kubernetes = IssuerPreset(
        name: "kubernetes",
        differences: [
            "'kubernetes.io' is required, because only tokens of the API server have it; legacy tokens without an end are refused",
            "fetch from jwksURL https://kubernetes.default.svc/openid/v1/jwks with caFile and tokenFile: the metadata name an address that often cannot be reached from inside",
            "ask for tokens with an audience of your own: the default one is the API server's",
        ],
        algorithms: [.rs256],
        typeChecks: [
            ClaimCheck("no kubernetes.io claim: not a service account's token") {
                $0["kubernetes.io"]?.objectValue != nil
                    && $0["sub"]?.stringValue?.hasPrefix("system:serviceaccount:") == true
            }
        ]
    )

    /// Keycloak realms.
    public static let keycloak = IssuerPreset(
        name: "keycloak",
        differences: [
            "payload 'typ' must be Bearer (or DPoP), because Keycloak marks ID, refresh and offline tokens there and signs all with one key",
            "realm roles are at realm_access.roles",
            "set up an audience mapper: without one 'aud' is 'account'",
        ],
        algorithms: [.rs256],
        rolePaths: [ClaimPath("realm_access", "roles")],
        typeChecks: [
            ClaimCheck("payload typ is not Bearer") {
                ["Bearer", "DPoP"].contains($0["typ"]?.stringValue ?? "")
            }
        ],
        issuerFault: {
            $0.holds("/realms/") ? nil : "a Keycloak issuer names its realm, as in https://HOST/realms/REALM"
        }
    )

    /// Amazon Cognito user pools.
    public static let cognito = IssuerPreset(
        name: "cognito",
        differences: [
            "the audience is compared with 'client_id', because Cognito's access tokens have no 'aud'",
            "'token_use' must be 'access', because Cognito marks ID tokens there and signs both with one key",
            "groups are at cognito:groups",
        ],
        algorithms: [.rs256],
        audienceIsClientID: true,
        rolePaths: ["cognito:groups"],
        typeChecks: [
            ClaimCheck("token_use is not access") { $0["token_use"]?.stringValue == "access" }
        ],
        issuerFault: {
            // A pool of a local server, for tests; http to elsewhere is refused where keys are fetched.
            $0.hasPrefix("https://cognito-idp.") || $0.hasPrefix("http://127.0.0.1:")
                ? nil : "a Cognito issuer is https://cognito-idp.REGION.amazonaws.com/POOL"
        }
    )

    /// Every preset.
    public static let all: [IssuerPreset] = [
        .standard, .okta, .auth0, .entra, .entraMultiTenant, .keycloak, .cognito, .kubernetes,
    ]

    /// What is wrong with `issuer`: a placeholder nobody replaced, or what the preset itself knows.
    func fault(of issuer: String) -> String? {
        let parts = isMultiTenant ? issuer.parts(around: IssuerTemplate.placeholder) : [issuer]
        let lower = parts.joined().lowercased()
        let marks = [
            "{", "}", "<", ">", "$(", "yourokta", "your_", "your-okta", "your-domain", "your-tenant", "your-org",
            "yourdomain", "yourtenant", "example-tenant",
        ]
        if let mark = marks.first(where: lower.holds) {
            return "the template's placeholder was not replaced (found '\(mark)'): put your own domain there"
        }
        return issuerFault(issuer)
    }
}
