# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts of this directory share. Sourced, never run; the sourcing script has set -e.

# The top of the source tree.
# shellcheck disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Progress goes to standard error, so that standard output holds results only.
say() {
    printf '== %s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# Runs a command whose output is of interest only if it fails.
quietly() {
    local log
    log=$(mktemp)
    "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "failed: $*"
    }
    rm -f "$log"
}

# Names the command that failed, so that no script ends silently half-way.
trap 'printf "%s: line %s failed: %s\n" "$(basename "$0")" "$LINENO" "$BASH_COMMAND" >&2' ERR
