#!/bin/bash
# SPDX-License-Identifier: MIT
# Fuzzes everything that reads a file or an option, one target after the other, for long:
#
#     tools/soak/fuzz.sh [MINUTES|RUNSx [TARGET..]]    10 minutes each, all targets
#                                                      (tests/fuzz/fuzz_*.c); 1000000x: so many inputs
#
# Builds in build-fuzz (clang, libFuzzer, AddressSanitizer, UndefinedBehaviorSanitizer), or where
# MEMPROF_BUILD says. What was found is kept below corpus/ there, and is where the next run begins.
# Prints for each target how many inputs were executed, the memory that took, and which input came
# nearest to what it may take (tests/fuzz/fuzz.h: ten times its size, beside what is fixed). A crash, a
# leak, an input that takes more than that, or 10 seconds, or 160 MiB in one allocation (zstd's largest
# window is 128) ends a target: the input is kept and named, and the exit status is 1.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/../common.sh"

length=${1-10}
shift || true
case $length in
*[!0-9x]* | *x?* | x | "") die "'$length': is neither minutes nor a number of inputs, expected 10 or 1000000x" ;;
*x) limits=(-runs="${length%x}") ;;
*) limits=(-max_total_time=$((length * 60))) ;;
esac
build_dir=${MEMPROF_BUILD:-$root/build-fuzz}
fuzz_dir=$build_dir/tests/fuzz

say "building the targets in $build_dir"
quietly cmake --preset fuzz -S "$root" -B "$build_dir"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for source in "$root"/tests/fuzz/fuzz_*.c; do
        target=$(basename "$source" .c)
        targets+=("${target#fuzz_}")
    done
fi
quietly cmake --build "$build_dir" -j "${JOBS:-$(nproc)}" --target "${targets[@]/#/fuzz_}"

# Where the inputs of a target come from, besides what was found before.
seeds() {
    [ ! -d "$root/tests/fuzz/corpus/$1" ] || echo "$root/tests/fuzz/corpus/$1"
    case $1 in
    load) echo "$root/tests/data/report" ;;
    symbols) echo "$fuzz_dir/seeds" ;;
    esac
}

# The value that libFuzzer's statistics have for NAME.
statistic() {
    sed -n "s/^stat::$1: *//p" "$2"
}

status=0
printf '%-12s %12s %8s %9s  %-6s  %s\n' target executions seconds peak-MiB result "nearest to the bound"
for target in "${targets[@]}"; do
    found=$build_dir/corpus/$target
    log=$build_dir/corpus/$target.log
    mkdir -p "$found"
    mapfile -t from < <(seeds "$target")
    [ -n "$(find "${from[@]}" -type f -print -quit)" ] || die "'$target': has no seeds"
    began=$SECONDS
    result=ok
    ASAN_OPTIONS=quarantine_size_mb=16:detect_stack_use_after_return=0 \
        "$fuzz_dir/fuzz_$target" "${limits[@]}" -timeout=10 \
        -malloc_limit_mb=160 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -artifact_prefix="$found-" \
        "$found" "${from[@]}" >"$log" 2>&1 || {
        result="failed: $log"
        status=1
    }
    printf '%-12s %12s %8d %9s  %-6s  %s\n' "$target" "$(statistic number_of_executed_units "$log")" \
        $((SECONDS - began)) "$(statistic peak_rss_mb "$log")" "$result" \
        "$(statistic most_of_allowed_memory "$log")"
done
exit "$status"
