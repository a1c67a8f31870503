#!/bin/bash
# SPDX-License-Identifier: MIT
# One golden case:
#
#     golden.sh MEMPROF-REPORT FOLDER
#
# runs the program in FOLDER with the words of its `args`, which may be quoted as for the shell,
# and compares standard output with `expected`, standard error with `expected.err` (absent: empty),
# and the status with `status` (absent: 0). UPDATE=1 writes these instead.
set -euo pipefail

program=$1 folder=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$folder"
arguments=()
eval "arguments=($(cat args))"
status=0
env -u NO_COLOR "$program" "${arguments[@]}" >"$scratch/expected" 2>"$scratch/expected.err" ||
    status=$?
[ $status -eq 0 ] || echo $status >"$scratch/status"
if [ -n "${UPDATE:-}" ]; then
    rm -f expected.err status
    cp "$scratch/expected" expected
    [ ! -s "$scratch/expected.err" ] || cp "$scratch/expected.err" expected.err
    [ ! -f "$scratch/status" ] || cp "$scratch/status" status
fi
for file in expected expected.err status; do
    touch "$scratch/$file"
    if [ -e $file ]; then reference=$file; else reference=/dev/null; fi
    diff -u "$reference" "$scratch/$file"
done
