#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs what is missing, builds memprof into build/, profiles two programs on inputs that it
# makes, and prints their reports:
#
#     tools/demo.sh
#
# One is jq, as Debian ships it. The other is tools/demo/wordcount.c, compiled with -g, to show the
# table of source lines. Builds where MEMPROF_BUILD says, or in build/; all else goes to build/demo/.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

cd "$root"
build_dir=${MEMPROF_BUILD:-build}
out=$build_dir/demo

# Shows a command as it could be typed, then runs it.
run() {
    local word
    printf '\n$'
    for word in "${@#env}"; do
        case $word in
        *[\ \|\(\)\>]*) printf " '%s'" "$word" ;;
        ?*) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

"$root/tools/setup.sh" demo
say "configuring $build_dir"
cmake --preset release -S "$root" -B "$build_dir" -DMEMPROF_DEV=OFF >/dev/null
say "building with $(nproc) jobs"
cmake --build "$build_dir" -j "$(nproc)" >&2

say "making inputs in $out"
mkdir -p "$out"
rm -f "$out"/*.json
awk 'BEGIN {
    print "["
    for (i = 0; i < 40000; i++)
        printf "%s{\"id\":%d,\"name\":\"user %d\",\"tags\":[\"t%d\",\"t%d\"],\"score\":%.2f}\n",
            i ? "," : "", i, i * 7919 % 40000, i % 17, i % 101, i * 31 % 1000 / 10
    print "]"
}' >"$out/users.data"
awk 'BEGIN {
    for (i = 0; i < 60000; i++) {
        n = i * 7919 % 3001
        word = ""
        for (k = n + 1; k > 0; k = int(k / 26))
            word = word substr("abcdefghijklmnopqrstuvwxyz", k % 26 + 1, 1)
        printf "%s%s", word, i % 12 == 11 ? "\n" : " the "
    }
}' >"$out/text"
cc -g -O2 -o "$out/wordcount" tools/demo/wordcount.c

say "profiling jq on $(du -h "$out/users.data" | cut -f1) of JSON"
run env LD_PRELOAD="$build_dir/libmemprof.so" MEMPROF_OUT="$out/jq.json" \
    jq 'map(select(.score > 50)) | length' "$out/users.data"
run "$build_dir/memprof-report" "$out/jq.json"

say "profiling wordcount, which has a leak, on $(du -h "$out/text" | cut -f1) of text"
run env LD_PRELOAD="$build_dir/libmemprof.so" MEMPROF_OUT="$out/wordcount.json" \
    "$out/wordcount" "$out/text"
run "$build_dir/memprof-report" "$out/wordcount.json"
say "the dumps are $out/jq.json and $out/wordcount.json"
