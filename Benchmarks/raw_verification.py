# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""What scripts measure by."""
import os, subprocess

cores = len(os.sched_getaffinity(0))


def seconds(processes=1):
    """Seconds between two RS256 verifications by so many processes at once, as OpenSSL's own measuring has it."""
    # By the clock, as what it is compared with: a busy machine is busy for both.
    command = ["openssl", "speed", "-elapsed", "-seconds", "1"]
    if processes > 1: command += ["-multi", str(processes)]
    told = subprocess.run(command + ["rsa2048"], capture_output=True, text=True, check=True)
    names, row = told.stdout.strip().splitlines()[-2:]
    return 1 / float(row.split()[3 + names.split().index("verify/s")])
