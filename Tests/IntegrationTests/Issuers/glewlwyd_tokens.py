# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""Sets up a fresh glewlwyd at the port of the first argument and gets tokens from it, by its own HTTP API.

Prints one JSON object: for each algorithm the issuer and the tokens of a code flow and of client credentials.
"""
import base64
import hashlib
import json
import sys
import urllib.parse

import httpx
from joserfc.jwk import ECKey, OKPKey, RSAKey

base = f"http://127.0.0.1:{sys.argv[1]}/api"
CALLBACK = "http://127.0.0.1:9/callback"
verifier = "v" * 64
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")

keys = {
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa-1", "alg": "RS256", "use": "sig"}, private=True),
    "ES256": ECKey.generate_key("P-256", {"kid": "ec-1", "alg": "ES256", "use": "sig"}, private=True),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed-1", "alg": "EdDSA", "use": "sig"}, private=True),
}

admin = httpx.Client(timeout=30)
admin.post(f"{base}/auth/", json={"username": "admin", "password": "password"}).raise_for_status()


def make(path, **members):
    answer = admin.post(f"{base}/{path}/", json=members)
    assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"


make("scope", name="orders", display_name="orders", password_required=True)
make("user", username="alice", password="wonderland", name="Alice", email="alice@example.test", enabled=True,
     scope=["orders", "openid"])
make("client", client_id="web", client_secret="secret", name="web", confidential=True, enabled=True,
     redirect_uri=[CALLBACK], scope=["orders"], token_endpoint_auth_method=["client_secret_basic"],
     authorization_type=["code", "refresh_token", "client_credentials"])
for algorithm, key in keys.items():
    name = algorithm.lower()
    make(
        "mod/plugin", module="oidc", name=name, display_name=name, enabled=True,
        parameters={
            "iss": f"{base}/{name}",
            "jwks-private": json.dumps({"keys": [key.as_dict(private=True)]}),
            "default-kid": key.kid,
            "jwks-show": True,
            "access-token-duration": 3600,
            "refresh-token-duration": 86400,
            "code-duration": 600,
            "allow-non-oidc": True,
            "auth-type-code-enabled": True,
            "auth-type-client-enabled": True,
            "auth-type-refresh-enabled": True,
            "pkce-allowed": True,
            "resource-allowed": True,
            "resource-scope": {"orders": ["https://orders.example"]},
            "resource-scope-and-client-property": False,
        },
    )

told = {}
user = httpx.Client(timeout=30)
user.post(f"{base}/auth/", json={"username": "alice", "password": "wonderland"}).raise_for_status()
user.put(f"{base}/auth/grant/web", json={"scope": "openid orders"}).raise_for_status()
for algorithm in keys:
    endpoint = f"{base}/{algorithm.lower()}"
    answer = user.get(f"{endpoint}/auth", params={
        "response_type": "code", "client_id": "web", "redirect_uri": CALLBACK, "scope": "openid orders",
        "state": "s", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
        "resource": "https://orders.example", "g_continue": "",
    })
    location = answer.headers.get("location", "")
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query).get("code")
    assert code, f"{algorithm}: {answer.status_code} {location}"
    tokens = httpx.post(f"{endpoint}/token", auth=("web", "secret"), data={
        "grant_type": "authorization_code", "code": code[0], "redirect_uri": CALLBACK, "code_verifier": verifier,
        "resource": "https://orders.example",
    }).raise_for_status().json()
    own = httpx.post(f"{endpoint}/token", auth=("web", "secret"), data={
        "grant_type": "client_credentials", "scope": "orders", "resource": "https://orders.example",
    }).raise_for_status().json()
    told[algorithm] = {
        "issuer": endpoint, "access": tokens["access_token"], "id": tokens["id_token"],
        "credentials": own["access_token"],
    }
print(json.dumps(told))
