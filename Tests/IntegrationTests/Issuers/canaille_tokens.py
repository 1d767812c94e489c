# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""A fresh canaille and tokens from it, by its command line and its pages.

  canaille_tokens.py prepare PORT   writes its configuration and data into the working directory
  canaille_tokens.py tokens PORT    signs in through the pages of the server that was started meanwhile, and prints one
                                    JSON object: the issuer and the tokens of a code flow
"""
import base64
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import urllib.parse

import httpx
from joserfc.jwk import RSAKey

task, port = sys.argv[1:3]
base = f"http://127.0.0.1:{port}"
CALLBACK = "http://127.0.0.1:9/callback"


def prepare():
    key = RSAKey.generate_key(2048, {"kid": "canaille-1", "alg": "RS256", "use": "sig"}, private=True)
    members = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.as_dict(private=True).items())
    with open("canaille.toml", "w") as file:
        file.write(f"""
SECRET_KEY = "only for this test"
SERVER_NAME = "127.0.0.1:{port}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///{os.getcwd()}/canaille.sqlite"
[CANAILLE_OIDC]
ACTIVE_JWKS = [{{ {members} }}]
""")
    environment = os.environ | {"CANAILLE_CONFIG": "canaille.toml", "CANAILLE_DATABASE": "sql"}

    def run(*arguments):
        command = [os.path.join(os.path.dirname(sys.executable), "canaille"), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True).stdout

    run("install")
    run("create", "user", "--user-name", "alice", "--password", "wonderland-2026", "--family-name", "Liddell",
        "--emails", "alice@example.test")
    run("create", "client", "--client-id", "web", "--client-secret", "secret", "--client-name", "web",
        "--client-uri", "http://127.0.0.1:9", "--redirect-uris", CALLBACK, "--grant-types", "authorization_code",
        "--response-types", "code", "--scope", "openid", "--scope", "profile",
        "--token-endpoint-auth-method", "client_secret_basic")
    # Without this `aud` is an empty list; it names clients by canaille's own identifiers.
    client = json.loads(run("get", "client"))[0]["id"]
    run("set", "client", "web", "--audience", client)


def tokens():
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    browser = httpx.Client(timeout=60)

    def go(page):
        while page.is_redirect and not page.headers["location"].startswith(CALLBACK):
            page = browser.get(urllib.parse.urljoin(str(page.url), page.headers["location"]))
        return page

    def submit(page, **values):
        hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        token = {"csrf_token": html.unescape(hidden.group(1))} if hidden else {}
        return go(browser.post(str(page.url), data=token | values))

    page = go(browser.get(f"{base}/oauth/authorize", params={
        "response_type": "code", "client_id": "web", "redirect_uri": CALLBACK, "scope": "openid profile",
        "state": "s", "nonce": "n", "code_challenge": challenge, "code_challenge_method": "S256",
    }))
    page = submit(page, login="alice")
    page = submit(page, password="wonderland-2026")
    if not page.is_redirect:
        page = submit(page, answer="accept")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(page.headers["location"]).query)
    answer = httpx.post(f"{base}/oauth/token", auth=("web", "secret"), timeout=60, data={
        "grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }).raise_for_status().json()
    issuer = httpx.get(f"{base}/.well-known/openid-configuration", timeout=60).json()["issuer"]
    print(json.dumps({"issuer": issuer, "access": answer["access_token"], "id": answer["id_token"]}))


prepare() if task == "prepare" else tokens()
