#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# An audit of captures, against the same number of raw verifications on all cores: tokens that are all distinct, and a
# capture in which nine of ten lines repeat a token. FOLDER holds a folder `distinct` and a folder `repeated`, each with
# tokens.ndjson, jwks.json and config.json, of RS256 alone. One that is not there is made, of LINES lines: 100 000 take
# half a minute and 120 MB, unless given.
#
#   bash Benchmarks/audit.sh FOLDER [ROUNDS] [LINES]
set -euo pipefail
usage() { sed -n '4,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
if [ "${1:-}" = --help ]; then usage; exit; fi
if [ -z "${1:-}" ] || ! [[ "${2:-5}" =~ ^[1-9][0-9]*$ && "${3:-100000}" =~ ^[1-9][0-9]*$ ]]; then usage >&2; exit 2; fi
mkdir -p -- "$1"
folder=$(cd -- "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash Tests/setup.sh openssl python3
for kind in distinct repeated; do
    if [ ! -e "$folder/$kind" ]; then
        swift build -c release --package-path Benchmarks --product bearerguard-captures
        Benchmarks/.build/release/bearerguard-captures "$folder/$kind" "${3:-100000}" "$kind"
    fi
done
swift build -c release --static-swift-stdlib --product bearerguard
PYTHONPATH=Benchmarks PYTHONDONTWRITEBYTECODE=1 python3 - "$folder" .build/release/bearerguard "${2:-5}" <<'P'
import json, resource, statistics, subprocess, sys, time
import raw_verification
from raw_verification import cores
folder, program, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])

def run(name):
    config = json.load(open(f"{folder}/{name}/config.json"))
    command = [program, "audit", f"{folder}/{name}/tokens.ndjson", "--jwks", f"{folder}/{name}/jwks.json",
               "--at", str(config["now"]), "--typ", ",".join(config["requiredTyp"]), "--output", "/dev/null",
               "--format", "ndjson", "--algorithms", ",".join(config["algorithms"])]
    for issuer in config["issuers"]:
        command += ["--issuer", issuer["issuer"] if isinstance(issuer, dict) else issuer]
    audiences = config["audience"] if isinstance(config["audience"], list) else [config["audience"]]
    for audience in audiences: command += ["--audience", audience]
    start = time.monotonic()
    ended = subprocess.run(command, stderr=subprocess.DEVNULL)
    if ended.returncode not in (0, 1): sys.exit(f"the audit ended with {ended.returncode}")
    return time.monotonic() - start, config["count"]

times, counts = {"distinct": [], "repeated": []}, {}
shares, shares_at_once = [], []
for _ in range(rounds):
    for name in times:
        seconds, counts[name] = run(name)
        times[name].append(seconds)
    count = counts["distinct"]
    if counts["repeated"] != count: sys.exit(f"{count} lines are distinct, and {counts['repeated']} repeat: no measure of each other")
    shares.append(raw_verification.seconds() * count / cores / times["distinct"][-1])
    shares_at_once.append(raw_verification.seconds(cores) * count / times["distinct"][-1])
factors = [a / b for a, b in zip(times["distinct"], times["repeated"])]

def tell(name, values, form, what):
    print(f"  {name:23} {statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})  {what}")

tell("audit.repeats", factors, ".1f", f"times faster than distinct, {count} lines")
tell("audit.distinct", shares, ".2f", f"of {cores} cores × the raw RS256 verifications of one")
tell("audit.distinct-at-once", shares_at_once, ".2f", f"of the raw RS256 verifications of {cores} cores at once")
print(f"  {'audit.memory':23} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} MiB at most")
P
