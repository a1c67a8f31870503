#!/bin/bash
# SPDX-License-Identifier: MIT
# Compares the options and verbs that a program's --help lists with its man page and its completion,
# both ways:
#
#     tools/check-options.sh PROGRAM MAN.scd COMPLETION.bash
#
# Prints what one has and another lacks, and exits with 1.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

[ $# -eq 3 ] || die "usage: tools/check-options.sh PROGRAM MAN.scd COMPLETION.bash"
program=$1 manual=$2 completion=$3

# In the help, options and verbs begin a line that is indented; what explains them follows after two
# spaces or on lines indented further than 8 columns.
from_help() {
    "$program" --help | sed -nE 's/^ {1,8}(-.*)$/\1/p' | sed -E 's/  .*//' |
        grep -oE -- '--[a-z][a-z-]*' | sort -u
}

verbs_from_help() {
    "$program" --help | sed -nE '/^[Vv]erbs/,/^$/s/^ {1,8}([a-z]+).*$/\1/p' | sort -u
}

# In the man page each begins a line of its section.
from_manual() {
    sed -nE '/^# OPTIONS/,/^# /s/^(\*-.*)$/\1/p' "$manual" | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

verbs_from_manual() {
    sed -nE '/^# VERBS/,/^# /s/^\*([a-z]+)\*.*$/\1/p' "$manual" | sort -u
}

# What bash would offer for the word $1, as the first argument, in an empty directory.
from_completion() (
    cd "$(mktemp -d)"
    trap 'rmdir "$PWD"' EXIT
    # shellcheck disable=SC1090
    source "$completion"
    # shellcheck disable=SC2034 # read by the completion
    COMP_WORDS=("$(basename "$program")" "$1") COMP_CWORD=1
    "_$(basename "$program" | tr - _)"
    printf '%s\n' "${COMPREPLY[@]}" | sort -u
)

# compare WHAT NAME-A LIST-A NAME-B LIST-B
status=0
compare() {
    local difference
    [ -n "$3" ] || die "found no $1 in $2"
    difference=$(diff <(echo "$3") <(echo "$5") || true)
    if [ -n "$difference" ]; then
        printf '%s that differ: < only in %s, > only in %s\n' "$1" "$2" "$4"
        grep '^[<>]' <<<"$difference"
        status=1
    fi
}

completion=$(realpath "$completion")
compare options --help "$(from_help)" "$manual" "$(from_manual)"
compare options --help "$(from_help)" "$completion" "$(from_completion --)"
compare verbs --help "$(verbs_from_help)" "$manual" "$(verbs_from_manual)"
compare verbs --help "$(verbs_from_help)" "$completion" "$(from_completion '')"
exit "$status"
