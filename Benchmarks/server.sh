#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# Requests a second of a Hummingbird route on loopback with the guard as a share of the same route without it: tokens
# seen before, and tokens never seen; and of the route behind a middleware that does nothing. wrk, a second for each route,
# in another order in every round; the median and the middle half.
#
#   bash Benchmarks/server.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash Tests/setup.sh wrk python3 openssl
swift build -c release --package-path Benchmarks/Server
PYTHONPATH=Benchmarks PYTHONDONTWRITEBYTECODE=1 exec python3 - Benchmarks/Server/.build/release/BenchmarkServer "${1:-61}" <<'P'
import random, re, socket, statistics, subprocess, sys, tempfile, time
import raw_verification
from raw_verification import cores
program, rounds = sys.argv[1], int(sys.argv[2])
if rounds < 2: sys.exit("two rounds at least")
routes = ("without a guard", "behind an empty middleware", "with a token seen before", "with a token never seen")
held = [socket.socket() for _ in routes]
for each in held: each.bind(("127.0.0.1", 0))
ports = [each.getsockname()[1] for each in held]
for each in held: each.close()
file = tempfile.NamedTemporaryFile()
server = subprocess.Popen([program, *map(str, ports), file.name])

def listens(port):
    try: socket.create_connection(("127.0.0.1", port)).close()
    except OSError: return False
    return True

def rate(route):
    """Requests of a second."""
    url = f"http://127.0.0.1:{ports[route]}/orders"
    told = subprocess.run(["wrk", "-t1", "-c16", "-d1s", "-H", f"Authorization: Bearer {token}", url],
                          capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told: sys.exit(f"refused {routes[route]}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told).group(1))

try:
    for _ in range(100):
        if all(map(listens, ports)): break
        time.sleep(0.1)
    else: sys.exit("the server does not listen")
    raw = statistics.median(raw_verification.seconds() for _ in range(5)) / cores
    token = open(file.name).read()
    order = list(range(len(routes)))
    rows = []
    # The first round warms up.
    for _ in range(rounds + 1):
        rates = {route: rate(route) for route in order}
        rows.append([rates[route] for route in range(len(routes))])
        random.shuffle(order)
finally:
    server.terminate()
    server.wait()

def tell(name, what, form, value):
    values = [value(*row) for row in rows[1:]]
    low, _, high = statistics.quantiles(values, n=4)
    print(f"  {name:24} {statistics.median(values):{form}}  ({low:{form}}–{high:{form}})  {what}")

print(f"median (middle half) of {rounds} rounds")
tell("server.unguarded", "requests a second", ".0f", lambda bare, step, seen, new: bare)
tell("server.empty-middleware", "of the route without a guard", ".3f", lambda bare, step, seen, new: step / bare)
tell("server.seen-before", "of the route without a guard", ".3f", lambda bare, step, seen, new: seen / bare)
tell("server.never-seen", "of the route without a guard", ".3f", lambda bare, step, seen, new: new / bare)
# With a few cores all of them are busy, so that a verification more takes every request that much longer; with many, wrk
# would not keep them so, and this would say little.
tell("server.never-seen", "of what the raw verification alone would leave", ".3f",
     lambda bare, step, seen, new: new * (1 / bare + raw))
tell("server.never-seen", f"µs more for each request; a raw verification by {cores} cores {1e6 * raw:.1f}", ".1f",
     lambda bare, step, seen, new: 1e6 / new - 1e6 / bare)
P
