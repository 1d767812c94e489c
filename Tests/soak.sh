#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# Runs rotations, faults and floods against a real provider on loopback for ten minutes, or as many seconds as given,
# then the long forms of the reliability tests and a million sequences of the state machine. In a release build.
#
#   bash Tests/soak.sh [SECONDS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash Tests/setup.sh
export SWIFT_BACKTRACE=enable=no
export BEARERGUARD_SOAK_SECONDS="${1:-600}"
export BEARERGUARD_RELIABILITY=full
export BEARERGUARD_SEQUENCES=1000000
exec swift test -c release -Xswiftc -enable-testing --enable-all-traits --scratch-path .build-release-tests \
    --filter 'SoakTests|ReliabilityTests|KeyRefreshModelTests'
