#!/bin/bash
# SPDX-License-Identifier: MIT
# Checks the style of all tracked files and looks for defects without running anything:
#
#     tools/lint.sh [BUILD-DIR]      default: build; holds compile_commands.json
#
# Runs every check even when one fails, says which failed, and exits with 1 if any did.
# MEMPROF_LINT_JOBS: how many clang-tidy processes run at a time (default: processors).
#
# shellcheck disable=SC2317 # the checks are called by name, at the end
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

build_dir=$(realpath "${1:-$root/build}")
jobs=${MEMPROF_LINT_JOBS:-$(nproc)}
max_lines=500
cd "$root"
[ -f "$build_dir/compile_commands.json" ] ||
    die "'$build_dir': there is no compile_commands.json: configure the build first"

# The tracked files that match the patterns. The checkout may belong to somebody else than root.
files() {
    git -c safe.directory="$root" ls-files -- "$@" |
        while IFS= read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}

is_shell() {
    [[ $1 == *.sh || $1 == *.bash ]] || head -n 1 "$1" | grep -qE '^#!.*\b(ba)?sh\b'
}

check_format() {
    files '*.c' '*.h' '*.cc' '*.cpp' | xargs -r clang-format --dry-run -Werror
}

# What the build compiles, without tests/samples: these programs are odd on purpose.
compiled() {
    /usr/bin/python3 - "$root" "$build_dir/compile_commands.json" <<'EOF'
import json, os, sys
root, database = sys.argv[1:]
for entry in json.load(open(database)):
    name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
    if not name.startswith(("..", "tests/samples/", "build")) and name.endswith(".c"):
        print(name)
EOF
}

check_tidy() {
    compiled | sort -u | xargs -r -P "$jobs" -n 1 clang-tidy --quiet -p "$build_dir" 2>&1 |
        { grep -v -e '^[0-9]* warnings\{0,1\} generated' || true; }
}

check_cppcheck() {
    local -a sources
    mapfile -t sources < <(files 'preload/*.c' 'report/*.c' 'tools/*.c')
    [ ${#sources[@]} -eq 0 ] ||
        cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
            --inline-suppr --suppress=missingIncludeSystem --suppress=unknownMacro \
            --suppress=allocaCalled \
            --error-exitcode=1 -j "$jobs" -D_GNU_SOURCE -D__x86_64__ -DMEMPROF_VERSION='""' \
            -I include -I preload -I report "${sources[@]}"
}

check_shell() {
    local file
    files ':!tests/data' |
        while IFS= read -r file; do ! is_shell "$file" || printf '%s\n' "$file"; done |
        xargs -r shellcheck -x -P "$root"
}

# Licence lines and sizes.
check_house() {
    local file lines failed=0
    while IFS= read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || {
            echo "$file: has no SPDX line among its first three"
            failed=1
        }
        lines=$(wc -l <"$file")
        if [ "$lines" -gt "$max_lines" ]; then
            echo "$file: has $lines lines, more than $max_lines: split it by job"
            failed=1
        fi
    done < <(files preload report tools include tests '*CMakeLists.txt' '*.cmake' .ci |
        grep -E '(\.([ch]|cc|cpp|py|sh|cmake|scd|bash|in)|CMakeLists\.txt|\.ci/run)$' |
        grep -v '^tests/data/')
    return "$failed"
}

trap - ERR # each check is reported below
status=0
for check in check_house check_format check_shell check_cppcheck check_tidy; do
    say "${check#check_}"
    # In a subshell of its own, with -e in force: a function called by `if` would run on.
    set +e
    (
        set -e
        "$check"
    )
    failed=$?
    set -e
    if [ "$failed" -ne 0 ]; then
        printf 'lint.sh: %s failed\n' "${check#check_}" >&2
        status=1
    fi
done
exit "$status"
