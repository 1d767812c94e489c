# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""Clients that nobody here wrote: Authlib asks, PyJWT and joserfc verify.

  oauth_client.py key FILE      makes a key for private_key_jwt and prints its public key set
  oauth_client.py ISSUER FILE   goes through every flow and prints one JSON object of what came of it

A step that fails ends with its exception.
"""
import html
import json
import os
import re
import sys
import urllib.parse

import httpx
import jwt
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, KeySet

issuer, key_file = sys.argv[1], sys.argv[2]
if issuer == "key":
    key = ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, private=True)
    with open(key_file, "w") as file:
        json.dump(key.as_dict(private=True), file)
    print(json.dumps({"keys": [key.as_dict(private=False)]}))
    sys.exit()
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
CALLBACK = "http://127.0.0.1:9/callback"
told = {}

metadata = httpx.get(issuer + "/.well-known/openid-configuration").raise_for_status().json()
key_set = httpx.get(metadata["jwks_uri"]).raise_for_status().json()


def submit(browser, page, **values):
    """Sends the form of a page and follows redirects for as long as they stay at the issuer."""
    action = html.unescape(re.search(r'action="([^"]+)"', page.text).group(1))
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    form = {name: html.unescape(value) for name, value in hidden} | values
    page = browser.post(urllib.parse.urljoin(issuer, action), data=form)
    while page.is_redirect and not page.headers["location"].startswith(CALLBACK):
        page = browser.get(urllib.parse.urljoin(issuer, page.headers["location"]))
    return page


def code_flow(client, **extra):
    """Sends a browser to the issuer and returns the address that it comes back to."""
    url, state = client.create_authorization_url(metadata["authorization_endpoint"], **extra)
    with httpx.Client() as browser:
        page = submit(browser, browser.get(url), username="alice", password="alice")
        if "Allow access?" in page.text:
            page = submit(browser, page, decision="allow")
    return page.headers["location"], state


def verify(token, audience):
    """The claims, as two libraries read them."""
    key = jwt.PyJWKSet.from_dict(key_set)[jwt.get_unverified_header(token)["kid"]]
    algorithms = metadata["id_token_signing_alg_values_supported"]
    claims = jwt.decode(token, key, algorithms=algorithms, audience=audience, issuer=issuer)
    other = joserfc_jwt.decode(token, KeySet.import_key_set(key_set), algorithms=algorithms).claims
    assert claims == other, "PyJWT and joserfc read different claims"
    return claims


web = OAuth2Client(
    "web",
    "web-secret",
    redirect_uri=CALLBACK,
    scope="openid profile email offline_access read",
    code_challenge_method="S256",
    token_endpoint_auth_method="client_secret_basic",
)
verifier = "v" * 64
location, state = code_flow(web, code_verifier=verifier, nonce="n-1")
token = web.fetch_token(
    metadata["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier
)
told["access_token"] = token["access_token"]
told["access_claims"] = verify(token["access_token"], "https://api.test")
told["id_claims"] = verify(token["id_token"], "web")

web.metadata["token_endpoint"] = metadata["token_endpoint"]
told["userinfo"] = web.get(metadata["userinfo_endpoint"]).raise_for_status().json()

first = token["refresh_token"]
token = web.refresh_token(metadata["token_endpoint"], refresh_token=first)
told["rotated"] = token["refresh_token"] != first
told["introspected"] = web.introspect_token(
    metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token"
).json()
try:
    web.refresh_token(metadata["token_endpoint"], refresh_token=first)
    told["reused"] = "granted"
except OAuthError as error:
    told["reused"] = error.error
told["after_reuse"] = web.introspect_token(
    metadata["introspection_endpoint"], token=token["access_token"], token_type_hint="access_token"
).json()

app = OAuth2Client(
    "app",
    redirect_uri=CALLBACK,
    scope="read",
    code_challenge_method="S256",
    token_endpoint_auth_method="none",
)
location, state = code_flow(app, code_verifier=verifier)
token = app.fetch_token(
    metadata["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier
)
told["public_scope"] = token["scope"]
try:
    location, state = code_flow(app, code_verifier=verifier)
    app.fetch_token(
        metadata["token_endpoint"], authorization_response=location, state=state, code_verifier="w" * 64
    )
    told["wrong_verifier"] = "granted"
except OAuthError as error:
    told["wrong_verifier"] = error.error

post = OAuth2Client("web", "web-secret", scope="read", token_endpoint_auth_method="client_secret_post")
token = post.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
told["credentials_claims"] = verify(token["access_token"], "https://api.test")
told["revoked"] = post.revoke_token(
    metadata["revocation_endpoint"], token=token["access_token"], token_type_hint="access_token"
).status_code

with open(key_file) as file:
    key = ECKey.import_key(json.load(file))
batch = OAuth2Client("batch", key, scope="read", token_endpoint_auth_method="private_key_jwt")
batch.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], alg="ES256"))
token = batch.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
told["assertion_claims"] = verify(token["access_token"], "https://api.test")

print(json.dumps(told))
