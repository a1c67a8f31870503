#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the tests that are worth running for long, for long:
#
#     tools/soak/run.sh                     what there is
#     tools/soak/run.sh NAME [MINUTES]      one of them, for at least so long (15 unless told)
#
# The programs and what is asked of them are those of tests/e2e, which ctest runs briefly; here they
# do more in each run, and are run again until the time is over. Needs a build with tests in build/,
# or in the directory that MEMPROF_BUILD names. Ends with status 1 as soon as one run fails.
set -euo pipefail
exec /usr/bin/python3 "$(dirname "$0")/soak.py" "$@"
