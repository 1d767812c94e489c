# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""joserfc (PyPI) on the same token: key by kid, algorithm, signature, iss, aud, exp, scope; prints seconds a token."""
import json, sys, time
import joserfc
from joserfc import jwt
from joserfc.jwk import KeySet

token, keys, issuer, audience, algorithm, repetitions = open(sys.argv[1]).read(), *sys.argv[2:6], int(sys.argv[6])
key_set = KeySet.import_key_set(json.load(open(keys)))
registry = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": issuer}, aud={"essential": True, "value": audience}, exp={"essential": True})


def verify():
    decoded = jwt.decode(token, key_set, algorithms=[algorithm])
    registry.validate(decoded.claims)
    if "orders:read" not in decoded.claims["scp"]: raise SystemExit("wrong scope")


verify()
start = time.perf_counter()
for _ in range(repetitions): verify()
print((time.perf_counter() - start) / repetitions, joserfc.__version__)
