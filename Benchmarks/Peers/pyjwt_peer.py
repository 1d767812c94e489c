# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""PyJWT (PyPI) on the same token: key by kid, algorithm, signature, iss, aud, exp, scope; prints seconds a token."""
import json, sys, time
import jwt

token, keys, issuer, audience, algorithm, repetitions = open(sys.argv[1]).read(), *sys.argv[2:6], int(sys.argv[6])
by_id = {key.key_id: key for key in jwt.PyJWKSet.from_dict(json.load(open(keys))).keys}


def verify():
    key = by_id[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=[algorithm], issuer=issuer, audience=audience,
                        options={"require": ["exp", "iss", "aud"]})
    if "orders:read" not in claims["scp"]: raise SystemExit("wrong scope")


verify()
start = time.perf_counter()
for _ in range(repetitions): verify()
print((time.perf_counter() - start) / repetitions, jwt.__version__)
