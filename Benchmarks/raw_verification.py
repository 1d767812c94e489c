# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""The limit that scripts measure against."""
import os, subprocess

cores = len(os.sched_getaffinity(0))


def seconds():
    """Seconds that one RS256 verification takes one core, as OpenSSL's own measuring has it."""
    told = subprocess.run(["openssl", "speed", "-seconds", "1", "rsa2048"], capture_output=True, text=True, check=True)
    names, row = told.stdout.strip().splitlines()[-2:]
    return 1 / float(row.split()[3 + names.split().index("verify/s")])
