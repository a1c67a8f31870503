#!/bin/sh
# SPDX-License-Identifier: MIT
# A suite in shell whose programs are checked for leaks: each case is a command, run by `memprof check`
# with the limits of the suite. Prints a line for each case, as the Test Anything Protocol has it, and
# exits with 1 if one failed.
#
#     suite.sh DIRECTORY      where the programs are
set -u
cd "${1:?expected the directory of the programs}" || exit 2

cases=0 failures=0
check() { # NAME COMMAND..
    name=$1
    shift
    cases=$((cases + 1))
    if memprof check --max-leak 0 --junit "leaks-$name.xml" -- "$@" >"$name.log" 2>&1; then
        echo "ok $cases - $name"
    else
        echo "not ok $cases - $name"
        sed 's/^/# /' "$name.log"
        failures=$((failures + 1))
    fi
}

check parses ./parser input.txt
check empty ./parser /dev/null
echo "1..$cases"
[ "$failures" -eq 0 ]
