#!/bin/bash
# SPDX-License-Identifier: MIT
# Line coverage of the library and the tools, by file and in total:
#
#     tools/coverage.sh [--keep] [--unreached] [CTEST-ARGUMENTS]
#
# Builds in build-coverage (clang), or where MEMPROF_BUILD says, runs the tests, and prints what they
# reached. --keep adds to what earlier runs reached; --unreached prints the lines that were not, too. All
# tests are run but those that measure instructions, time or memory, or need the shipped library as
# it is, or gcc's code, or have each call fail, which would be those that count: instrumented code has other
# figures. Ends with 1 if a test failed or a goal is missed: see tests/coverage/lines.py.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

keep=false unreached=()
while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=true ;;
    --unreached) unreached=("$1") ;;
    *) break ;;
    esac
    shift
done

build_dir=${MEMPROF_BUILD:-$root/build-coverage}
"$root/tools/setup.sh" coverage
say "building with clang and counters in $build_dir"
quietly cmake --preset coverage -S "$root" -B "$build_dir"
quietly cmake --build "$build_dir" -j "$(nproc)"
counters=$build_dir/coverage
# What an older build of the library has counted is of no use to a newer one.
if ! $keep || [ "$build_dir/libmemprof.so" -nt "$counters/memprof.profraw" ]; then
    rm -rf "$counters"
fi
mkdir -p "$counters"

say "running the tests"
[ $# -gt 0 ] || set -- -j "$(nproc)"
failed=0
ctest --test-dir "$build_dir" --output-on-failure --no-tests=error \
    -E '^(lint|install|options|report/(deep_stacks|many_stacks)|e2e.(identities|tool_faults))$' "$@" >&2 || failed=1

# What was counted in: programs without a mapping are of no use to llvm-cov.
mapfile -t programs < <(find "$build_dir" -path '*/CMakeFiles' -prune -o -type f -executable -print |
    while read -r file; do
        if readelf -SW "$file" 2>/dev/null | grep '__llvm_covmap' >/dev/null; then echo "$file"; fi
    done)
objects=()
for program in "${programs[@]}"; do
    objects+=(-object "$program")
done
llvm-profdata merge --sparse -o "$counters/all.profdata" "$counters"/*.profraw
llvm-cov export --format=lcov --instr-profile "$counters/all.profdata" "${objects[@]:1}" \
    >"$counters/all.lcov"
python3 -B "$root/tests/coverage/lines.py" "${unreached[@]}" "$root" "$counters/all.lcov" || failed=1
exit "$failed"
