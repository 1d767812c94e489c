#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# What the auth service costs behind nginx on loopback, as processor time of all processes for a request, in rounds that
# take turns: unprotected; auth_request to an nginx that answers 204 to everybody; auth_request to the service, tokens
# seen before; auth_request to Apache with mod_auth_openidc, where installed. Then one saturated run beside 10 000 idle
# connections.
#
#   bash Benchmarks/gateway.sh [ROUNDS] [SECONDS] [SATURATED_SECONDS] [all|hops|module]
#
# A row takes SECONDS of a round, at least 2, half of them on the way back. 0 SATURATED_SECONDS leave that run out; hops
# are the rows with auth_request alone, module those in nginx's own process.
#
# PROGRAM names a release build of bearerguard with the trait Gateway; without it one is made. MODULE names the sample
# module that Tests/NginxModule/build.sh builds; with it a static file with and without the guard in nginx's own process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash Tests/setup.sh wrk python3 nginx-light openssl curl
if [ -z "${PROGRAM:-}" ]; then
    swift build -c release --static-swift-stdlib --traits Gateway --product bearerguard
    PROGRAM=.build/release/bearerguard
fi
ulimit -n "$(ulimit -Hn)"
exec python3 Benchmarks/gateway.py "$PROGRAM" "${1:-7}" "${2:-4}" "${3:-60}" "${4:-all}"
