#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
# Figures of a release build: time from starting the program to the first verified token, keys from a file; and the bytes
# that the core adds to a stripped binary with a static standard library: to an empty program, and to one that has a task
# already, as every server has.
#
#   bash Benchmarks/cold-start.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash Tests/setup.sh hyperfine binutils python3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

make_consumer() { # NAME SOURCE DEPENDENCY PRODUCTS
    mkdir -p "$folder/$1/Sources/$1"
    cat >"$folder/$1/Package.swift" <<P
// swift-tools-version: 6.2
import PackageDescription
let package = Package(
    name: "$1",
    platforms: [.macOS(.v15)],
    dependencies: [$3],
    targets: [.executableTarget(name: "$1", dependencies: [$4])]
)
P
    printf '%s\n' "$2" >"$folder/$1/Sources/$1/main.swift"
    swift build -c release --static-swift-stdlib --package-path "$folder/$1" >"$folder/$1.log" 2>&1 || {
        cat "$folder/$1.log" >&2
        exit 1
    }
    cp "$folder/$1/.build/release/$1" "$folder/$1.bin"
    strip "$folder/$1.bin"
}

core=".package(name: \"BearerGuard\", path: \"$PWD\", traits: [])"
product='.product(name: "BearerGuard", package: "BearerGuard")'
testing='.product(name: "BearerGuardTesting", package: "BearerGuard")'
make_consumer Empty 'print(CommandLine.arguments.count)' '' ''
make_consumer Tasked 'print(await Task { CommandLine.arguments.count }.value)' '' ''
make_consumer Minter 'import BearerGuard
import BearerGuardTesting
let issuer = try TestIssuer(algorithms: [.rs256])
print(issuer.token(lifetime: 86_400))
print(issuer.keySet)' "$core" "$product, $testing"
make_consumer Guarded 'import BearerGuard
let arguments = CommandLine.arguments
guard arguments.count == 3 else { fatalError("USAGE: Guarded KEYS TOKEN") }
let policy = try ValidationPolicy(
    issuer: "https://issuer.test", audience: ["https://api.test"], algorithms: [.rs256])
let requestGuard = try RequestGuard(issuers: [TrustedIssuer(policy: policy, keys: KeyFile(path: arguments[1]))])
let decision = await requestGuard.authorize(RequestCredentials(authorization: "Bearer \(arguments[2])"))
guard let token = decision.accessToken else { fatalError("refused: \(decision.refusal?.code.text ?? "")") }
print(token.subject ?? "")' "$core" "$product"

"$folder/Minter.bin" >"$folder/minted"
head -1 "$folder/minted" >"$folder/token"
tail -1 "$folder/minted" >"$folder/keys.json"
"$folder/Guarded.bin" "$folder/keys.json" "$(cat "$folder/token")" >/dev/null
hyperfine -N --warmup 5 --runs 60 --export-json "$folder/times.json" \
    "$folder/Guarded.bin $folder/keys.json $(cat "$folder/token")" >/dev/null 2>&1
python3 - "$folder" <<'P'
import json, os, sys
folder = sys.argv[1]
times = json.load(open(f"{folder}/times.json"))["results"][0]
print(f"  start to first verified token   {1000 * times['median']:.1f} ms  ({1000 * times['min']:.1f}–{1000 * times['max']:.1f})")
size = {name: os.path.getsize(f"{folder}/{name}.bin") for name in ("Guarded", "Empty", "Tasked")}
print(f"  bytes that the core adds        {size['Guarded'] - size['Empty']} to an empty program, "
      f"{size['Guarded'] - size['Tasked']} to one with a task")
P
