#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs what the tests need, builds with warnings as errors and runs every test, lint included:
#
#     tools/test.sh [CTEST-ARGUMENTS]      for example -R lint, or -j1
#
# Ends with ctest's summary and its exit status. Builds in build/, or where MEMPROF_BUILD says.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

build_dir=${MEMPROF_BUILD:-$root/build}
jobs=$(nproc)

"$root/tools/setup.sh" test
say "configuring $build_dir"
cmake --preset dev -S "$root" -B "$build_dir" -DMEMPROF_TESTS=ON >/dev/null
say "building with $jobs jobs"
cmake --build "$build_dir" -j "$jobs" >&2
say "running the tests"
ctest --test-dir "$build_dir" --output-on-failure --no-tests=error -j "$jobs" "$@"
