#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# Requests a second of a Hummingbird route on loopback with the guard as a share of the same route without it: tokens
# seen before, and tokens never seen; and of the route behind a middleware that does nothing. wrk, in rounds that go there
# and back; the median and the extremes.
#
#   bash Benchmarks/server.sh [ROUNDS] [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash Tests/setup.sh wrk python3
swift build -c release --package-path Benchmarks/Server
folder=$(mktemp -d)
ports=($(python3 -c 'import socket
held = [socket.socket() for _ in range(4)]
for s in held: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in held])'))
Benchmarks/Server/.build/release/BenchmarkServer "${ports[@]}" "$folder/token" &
server=$!
trap 'kill "$server" 2>/dev/null; rm -r "$folder"' EXIT
for port in "${ports[@]}"; do
    for _ in $(seq 100); do
        curl -s "http://127.0.0.1:$port/" >/dev/null && break
        sleep 0.1
    done
done
token=$(cat "$folder/token")
# measure ROUTE SECONDS, the route by its place in BenchmarkServer.
measure() {
    wrk -t1 -c16 -d"${2}s" -H "Authorization: Bearer $token" "http://127.0.0.1:${ports[$1]}/orders" |
        tee "$folder/last" | awk '/Requests\/sec/ { print $2 }'
    if grep -q 'Non-2xx' "$folder/last"; then echo "refused by route $1" >&2; exit 1; fi
}
for route in 0 1 2 3; do measure "$route" 1 >/dev/null; done
for _ in $(seq "${1:-31}"); do
    for route in 0 1 2 3 3 2 1 0; do printf '%s ' "$(measure "$route" "${2:-1}")"; done
    echo
done | tee "$folder/rounds"
python3 - "$folder/rounds" <<'P'
import statistics, sys
legs = [list(map(float, line.split())) for line in open(sys.argv[1])]
rows = [[there + back for there, back in zip(leg[:4], leg[:3:-1])] for leg in legs]
for name, column in (("an empty middleware", 1), ("seen before", 2), ("never seen", 3)):
    shares = sorted(row[column] / row[0] for row in rows)
    print(f"  server.{name.replace(' ', '-'):20} {statistics.median(shares):.3f}  ({shares[0]:.3f}–{shares[-1]:.3f})  of the unguarded route")
shares = sorted(row[2] / row[1] for row in rows)
print(f"  a token seen before is {statistics.median(shares):.3f} ({shares[0]:.3f}–{shares[-1]:.3f}) of the route behind an empty middleware")
extra = sorted(2e6 / row[3] - 2e6 / row[0] for row in rows)
print(f"  a token never seen adds {statistics.median(extra):.1f} µs of the server's time to a request")
P
