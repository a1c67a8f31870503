#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs all unit tests of the recorder under ThreadSanitizer:
#
#     tools/check-races.sh [CTEST-ARGUMENTS]
#
# Builds in build-tsan, or where MEMPROF_BUILD says. A race is a failure of the test that shows it. The
# injected library itself is never sanitized: the tests compile its modules once more.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

build_dir=${MEMPROF_BUILD:-$root/build-tsan}
"$root/tools/setup.sh" test
say "building the recorder's unit tests with ThreadSanitizer in $build_dir"
quietly cmake --preset tsan -S "$root" -B "$build_dir"
quietly cmake --build "$build_dir" -j "${JOBS:-$(nproc)}" --target unit-preload
[ $# -gt 0 ] || set -- -j "$(nproc)"
exec env TSAN_OPTIONS="exitcode=66 ${TSAN_OPTIONS:-}" \
    ctest --test-dir "$build_dir" --output-on-failure --no-tests=error -L '^recorder$' "$@"
